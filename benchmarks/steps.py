"""Training steps and evaluation of ResNet-20 and ResNet-56 on CIFAR-10 images, beside PyTorch (channels last).

On the CPU in float32 and beside PyTorch's eager mode, on a GPU in bfloat16 and beside the compiled mode as well.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.engines import PRECISION, engine
from benchmarks.measure import ratio
from src.studies.timing import in_turn, training_dispatch
from src.training.engine import Engine
from src.training.step import zero_sums

PEERS = {"cpu": {"torch": False}, "gpu": {"torch": False, "torch compiled": True}}
"""By name, whether they are compiled."""
TRAINED = 128
SCORED = {"cpu": 128, "gpu": 1000}
EXAMPLES = 10_000


def evaluation_step(run: Engine) -> Callable[[], Any]:
    """One batch of evaluation, waited for."""
    state, data = run.initial_state(), run.split("test")

    def work() -> None:
        sums = run.replicated(zero_sums(run.settings.task, run.outputs, detailed=True))
        jax.block_until_ready(run.evaluation(*state.scored(), sums, data, jnp.int32(0)))

    return work


def torch_loops(net: Callable[[], Any], run: Engine) -> dict[str, Any]:
    """PyTorch's loops on the same images, in each of its modes; none where it is not installed.

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
        name: TorchLoop(net(), train.images, train.labels, compiled=compiled)
        for name, compiled in PEERS[jax.default_backend()].items()
    }


def cifar_net(depth: int) -> Any:
    """Our ResNet for small images in PyTorch."""
    from benchmarks.torch_resnet import ResNet

    return ResNet(depth)


def measure(rounds: int) -> dict[str, Any]:
    """The ratios; nothing where PyTorch is not installed."""
    platform, figures = jax.default_backend(), {}
    scored = SCORED[platform]
    for depth in (20, 56):
        run = engine(
            f"+experiment=resnet{depth}", f"precision={PRECISION[platform]}", f"data.batch_size={TRAINED}",
            f"eval.batch_size={scored}", f"debug.examples={EXAMPLES}",
        )  # fmt: skip
        steps, peers = run.steps_per_dispatch, torch_loops(partial(cifar_net, depth), run)
        if not peers:
            return {"skipped": "PyTorch is not installed: pip install torch"}
        training = {name: partial(peer.train, steps, TRAINED) for name, peer in peers.items()}
        evaluation = {name: partial(peer.evaluate, scored) for name, peer in peers.items()}
        works: dict[str, dict[str, Callable[[], Any]]] = {
            f"training step, batch {TRAINED}": {"ours": training_dispatch(run), **training},
            f"evaluation, batch {scored}": {"ours": evaluation_step(run), **evaluation},
        }
        for what, work in works.items():
            seconds = in_turn(work, rounds=rounds)
            for name, compiled in PEERS[platform].items():
                mode = ", beside compiled" if compiled else ""
                figures[f"resnet{depth} {what}{mode}"] = ratio(seconds, "ours", name)
    return figures
