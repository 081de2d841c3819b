"""Points of a loss surface, beside an eager PyTorch loop in float32 that sets weights and scores all images in turn.

A point's arithmetic is given as a part of that of a large matrix product in the same numbers.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from benchmarks.engines import engine
from benchmarks.measure import NO_TORCH, ratio
from benchmarks.surfaces import AXES, BATCH, evaluate_surface
from benchmarks.utilization import SIDE, multiplications, product, share
from src.data.examples import LABEL
from src.landscape.directions import gaussian
from src.landscape.evaluation import Measure, at_points
from src.landscape.grid import grid
from src.landscape.objective import split_objective
from src.markdown import markdown
from src.studies.timing import in_turn
from src.training.engine import Engine

EXAMPLES = {"cpu": 200, "gpu": 10_000}
PRECISIONS = {"cpu": ("float32",), "gpu": ("float32", "bfloat16")}
FIGURE = 51 * 51
"""Points of the figures of Li et al."""


def run_of(depth: int, precision: str, images: int) -> Engine:
    """The engine of a network on so many training images."""
    return engine(
        f"+experiment=resnet{depth}", f"debug.examples={images}", "data.validation=0", f"precision={precision}"
    )


def points(run: Engine) -> Measure:
    """A function that measures points in a random plane, the same in every precision."""
    module = run.network.module(run.init_state())
    held = jax.device_get(run.split("train"))  # on the host as in studies; `at_points` moves it to the devices
    objective = split_objective(module, run.settings.task, {"train": held}, batch_size=BATCH, kernels=run.kernels)
    return at_points(objective, [gaussian(jax.random.key(seed), objective.parameters) for seed in (0, 1)])


def arithmetic(run: Engine, images: int) -> float:
    """Operations for all points: two per multiplication."""
    return 2 * multiplications(run) * images * len(grid(AXES))


def measure(rounds: int) -> dict[str, Any]:
    """Our points per second relative to PyTorch; empty if that is not installed."""
    try:
        from benchmarks.torch_surface import TorchSurface
    except ImportError:
        return NO_TORCH
    platform, figures = jax.default_backend(), {}
    images, side = EXAMPLES[platform], SIDE[platform]
    for depth in (20, 56):
        exact = None
        for precision in PRECISIONS[platform]:
            run = run_of(depth, precision, images)
            peer = TorchSurface(depth, run.dataset.train.inputs, run.dataset.train.targets[LABEL], BATCH)
            ours = evaluate_surface(points(run))
            found = ours().value("train_loss").ravel()
            exact = found if exact is None else exact
            work: dict[str, Callable[[], Any]] = {
                "ours": ours, "torch": partial(peer.losses, grid(AXES)), "product": product(precision, side),
            }  # fmt: skip
            seconds = in_turn(work, rounds=rounds)
            figure = ratio(seconds, "ours", "torch")
            figures[f"ResNet-{depth}, {images:,} images, {len(found)} points, {precision}"] = figure | {
                "largest_error": float(np.max(np.abs(found - exact) / exact)),
                "of_product": share(arithmetic(run, images), seconds["ours"], 2 * side**3, seconds["product"]),
                "minutes_of_a_figure": figure["median_seconds"]["ours"] / len(found) * FIGURE / 60,
            }
    return figures


def table(figures: dict[str, Any]) -> str:
    """A table of speeds relative to PyTorch, errors of the precision, and utilization of the device."""
    heads = (
        "what",
        "ratio",
        "lowest to highest",
        "n",
        "largest difference to float32",
        "arithmetic, of a product's",
        "51x51",
    )
    rows = []
    for name, figure in figures.items():
        spread = f"{figure['lowest']:.2f} to {figure['highest']:.2f}"
        speed, error = f"**{figure['speed_ratio']:.2f}**", f"{figure['largest_error']:.1%}"
        share_of_product, minutes = f"{figure['of_product']['median']:.2f}", f"{figure['minutes_of_a_figure']:.1f} min"
        rows.append([name, speed, spread, figure["n"], error, share_of_product, minutes])
    return markdown(heads, rows)
