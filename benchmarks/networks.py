"""Training steps of other networks on CIFAR-10 images on CPUs, beside XLA's operations and PyTorch (channels last)."""

from functools import partial
from typing import Any

import jax

from benchmarks.measure import NO_TORCH
from benchmarks.steps import beside_all, ours_and_xla
from src.data.examples import LABEL
from src.studies.timing import in_turn, training_dispatch

BATCH = 32
EXAMPLES = 1000


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; nothing where PyTorch is not installed, or on a GPU, where a step of so few images shows nothing."""
    if jax.default_backend() != "cpu":
        return {"skipped": "batches are too small for it"}
    try:
        from benchmarks.torch_networks import NETWORKS
        from benchmarks.torch_resnet import TorchLoop
    except ImportError:
        return NO_TORCH
    figures: dict[str, Any] = {}
    for experiment, net in NETWORKS.items():
        runs = ours_and_xla(f"+experiment={experiment}", f"data.batch_size={BATCH}", f"debug.examples={EXAMPLES}")
        train = runs["ours"].dataset.train
        peer = TorchLoop(net(), train.inputs, train.targets[LABEL])
        work = {name: training_dispatch(run) for name, run in runs.items()} | {"torch": partial(peer.train, 1, BATCH)}
        figures |= beside_all(f"{experiment}, batch {BATCH}", in_turn(work, rounds=rounds))
    return figures
