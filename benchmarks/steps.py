"""Training steps and evaluation of ResNet-20 and ResNet-56 on CIFAR-10 images, beside PyTorch (channels last).

In PyTorch's eager mode and in its compiled one. On CPUs in float32, by kernels of our own, and beside XLA's operations;
on a GPU in bfloat16.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.engines import PRECISION, engine
from benchmarks.measure import NO_TORCH, ratio
from src.data.examples import LABEL
from src.studies.timing import in_turn, training_dispatch
from src.training.engine import Engine
from src.training.step import zero_sums

MODES = {"torch": False, "torch compiled": True}
"""Modes of PyTorch by name, and whether they compile."""
TRAINED = 128
SCORED = {"cpu": 128, "gpu": 1000}
EXAMPLES = 10_000


def evaluation_step(run: Engine) -> Callable[[], Any]:
    """A blocking evaluation of one batch."""
    state, data = run.init_state(), run.split("test")

    def work() -> None:
        sums = run.replicated(zero_sums(run.settings.task, run.spec, detailed=True))
        jax.block_until_ready(run.evaluation(*state.scored(), sums, data, jnp.int32(0)))

    return work


def torch_loops(net: Callable[[], Any], run: Engine) -> dict[str, Any]:
    """PyTorch's loops on the same images, in each of its modes; empty if it is not installed.

    Args:
        net: makes the network.
        run: ours.
    """
    try:
        from benchmarks.torch_resnet import TorchLoop
    except ImportError:
        return {}
    train = run.dataset.train
    return {
        name: TorchLoop(net(), train.inputs, train.targets[LABEL], compiled=compiled)
        for name, compiled in MODES.items()
    }


def cifar_net(depth: int) -> Any:
    """Our ResNet for small images in PyTorch."""
    from benchmarks.torch_resnet import ResNet

    return ResNet(depth)


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; nothing where PyTorch is not installed."""
    figures: dict[str, Any] = {}
    for depth in (20, 56):
        work = both_kinds(depth)
        if not work:
            return NO_TORCH
        for what, each in work.items():
            figures |= beside_all(f"resnet{depth} {what}", in_turn(each, rounds=rounds))
    return figures


def both_kinds(depth: int) -> dict[str, dict[str, Callable[[], Any]]]:
    """Training and evaluation functions, by implementation; empty if PyTorch is not installed."""
    platform = jax.default_backend()
    scored = SCORED[platform]
    runs = ours_and_xla(
        f"+experiment=resnet{depth}", f"precision={PRECISION[platform]}", f"data.batch_size={TRAINED}",
        f"eval.batch_size={scored}", f"debug.examples={EXAMPLES}",
    )  # fmt: skip
    steps, peers = runs["ours"].steps_per_dispatch, torch_loops(partial(cifar_net, depth), runs["ours"])
    training = {name: partial(peer.train, steps, TRAINED) for name, peer in peers.items()}
    evaluation = {name: partial(peer.evaluate, scored) for name, peer in peers.items()}
    return peers and {
        f"training step, batch {TRAINED}": {name: training_dispatch(run) for name, run in runs.items()} | training,
        f"evaluation, batch {scored}": {name: evaluation_step(run) for name, run in runs.items()} | evaluation,
    }


def ours_and_xla(*arguments: str) -> dict[str, Engine]:
    """The engine of a command line, and on CPUs also one with `kernels=xla`."""
    engines = {"ours": engine(*arguments, "kernels=auto")}
    return engines | ({"XLA": engine(*arguments, "kernels=xla")} if engines["ours"].kernels else {})


def beside_all(what: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """A table of ours and all peers."""
    return {f"{what}, beside {name}": ratio(seconds, "ours", name) for name in seconds if name != "ours"}
