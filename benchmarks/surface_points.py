"""Points of a loss surface in float32, beside an eager PyTorch loop that sets weights and scores all images in turn."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from benchmarks.engines import engine
from benchmarks.measure import ratio
from benchmarks.surfaces import AXES, BATCH, surveyed
from src.landscape.directions import gaussian
from src.landscape.evaluation import at_points
from src.landscape.objective import split_objective
from src.landscape.survey import grid
from src.studies.timing import in_turn

EXAMPLES = {"cpu": 200, "gpu": 50_000}


def measure(rounds: int) -> dict[str, Any]:
    """Points per second of ours over those of PyTorch; nothing where that is not installed."""
    try:
        from benchmarks.torch_surface import TorchSurface
    except ImportError:
        return {"skipped": "PyTorch is not installed: pip install torch"}
    images, figures = EXAMPLES[jax.default_backend()], {}
    for depth in (20, 56):
        run = engine(f"+experiment=resnet{depth}", f"debug.examples={images}", "data.validation=0")
        module = run.network.module(run.initial_state())
        objective = split_objective(module, run.settings.task, {"train": run.split("train")}, batch_size=BATCH)
        directions = [gaussian(jax.random.key(seed), objective.parameters) for seed in (0, 1)]
        peer = TorchSurface(depth, run.dataset.train.images, run.dataset.train.labels, BATCH)
        places = grid(AXES)
        work: dict[str, Callable[[], Any]] = {
            "ours": surveyed(at_points(objective, directions)),
            "torch": partial(peer.losses, places),
        }
        name = f"ResNet-{depth}, {images:,} images, {len(places)} points"
        figures[name] = ratio(in_turn(work, rounds=rounds), "ours", "torch")
    return figures
