"""Training and evaluation steps of ResNet-20 and ResNet-56 on CIFAR-10 images, beside PyTorch (channels last)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engines import engine
from benchmarks.measure import ratio
from src.studies.timing import in_turn, training_step
from src.training.engine import Engine
from src.training.step import zero_sums

BATCH = 128
EXAMPLES = 2000


def evaluation_step(run: Engine) -> Callable[[], Any]:
    """One batch of evaluation, waited for."""
    state, data = run.initial_state(), run.split("test")

    def work() -> None:
        sums = run.replicated(zero_sums(run.settings.task, run.outputs, detailed=True))
        jax.block_until_ready(run.evaluate._step(*state.scored(), sums, data, jnp.int32(0)))

    return work


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; nothing where PyTorch is not installed."""
    try:
        import torch

        from benchmarks.torch_resnet import TorchLoop
    except ImportError:
        return {"skipped": "PyTorch is not installed: pip install torch"}
    figures = {}
    for depth in (20, 56):
        run = engine(f"+experiment=resnet{depth}", f"debug.examples={EXAMPLES}", f"eval.batch_size={BATCH}")
        images = torch.from_numpy(np.ascontiguousarray(run.dataset.train.images.transpose(0, 3, 1, 2)))
        peer = TorchLoop(depth, images, torch.from_numpy(run.dataset.train.labels).long(), BATCH)
        work = {"ours": training_step(run), "torch": peer.train}
        figures[f"resnet{depth} training step, batch {BATCH}"] = ratio(in_turn(work, rounds=rounds), "ours", "torch")
        work = {"ours": evaluation_step(run), "torch": peer.evaluate}
        figures[f"resnet{depth} evaluation, batch {BATCH}"] = ratio(in_turn(work, rounds=rounds), "ours", "torch")
    return figures
