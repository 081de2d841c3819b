"""Steps beside PyTorch's, eager and compiled: channels last, mixed precision, whole batches of training and evaluation.

Images are random, for they take as long as any others. The device's arithmetic is that of a product of large matrices
in the same numbers, its bandwidth that of a large copy; all took turns.
"""

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax

from benchmarks.engines import PRECISION
from benchmarks.gpu.rows import Place
from benchmarks.noise import noise_engine
from benchmarks.steps import cifar_net, evaluation_step, torch_loops
from benchmarks.utilization import SIDE, arithmetic, copy, evaluation_traffic, multiplications, product, share, traffic
from src.markdown import markdown
from src.studies.timing import in_turn, training_dispatch

REVISION = 1
ROUNDS = 7


class Timed(NamedTuple):
    """A network, and how much of it is timed.

    Attributes:
        arguments: of `python -m src.train`, for the network.
        side: of its images.
        classes: of them.
        trained: images in a batch of training.
        scored: images in a batch of evaluation.
        dispatches: of training in a round.
        net: makes the same network in PyTorch.
    """

    arguments: tuple[str, ...]
    side: int
    classes: int
    trained: int
    scored: int
    dispatches: int
    net: Callable[[], Any]


def cifar(depth: int, **sizes: int) -> Timed:
    """A residual network for small images."""
    return Timed(
        ("data=cifar10", f"model.depth={depth}"),
        **{"side": 32, "classes": 10, "trained": 128, "scored": 1000, "dispatches": 5} | sizes,
        net=partial(cifar_net, depth),
    )


def imagenet(depth: int, **sizes: int) -> Timed:
    """A residual network for large images."""
    return Timed(
        ("data=cifar10", "model=resnet50", f"model.depth={depth}"),
        **{"side": 224, "classes": 1000, "trained": 128, "scored": 256, "dispatches": 2} | sizes,
        net=imagenet_net,
    )


def imagenet_net() -> Any:
    """ResNet-50 in PyTorch, also where a smaller one of ours rehearses."""
    from benchmarks.torch_networks import resnet50

    return resnet50()


ROWS = {"resnet56": 80.0, "resnet50, 224 px": 75.0, "resnet20": 45.0}
NETWORKS = {"resnet56": cifar(56), "resnet50, 224 px": imagenet(50), "resnet20": cifar(20)}
TINY = {"side": 8, "trained": 8, "scored": 8, "dispatches": 1}
REHEARSED = {"resnet56": cifar(8, **TINY), "resnet50, 224 px": imagenet(18, **TINY), "resnet20": cifar(8, **TINY)}


def measure(name: str, place: Place) -> dict[str, Any]:
    """Training steps and evaluation of one network, ours and theirs."""
    whole = place.scale == 1
    timed = (NETWORKS if whole else REHEARSED)[name]
    platform = jax.default_backend()
    run = noise_engine(
        *timed.arguments, f"data.batch_size={timed.trained}", f"eval.batch_size={timed.scored}",
        f"precision={PRECISION[platform]}", side=timed.side, classes=timed.classes, examples=10 * timed.trained,
    )  # fmt: skip
    peers = torch_loops(timed.net, run)
    side, rounds = (SIDE[platform], ROUNDS) if whole else (256, 1)
    device = {"product": product(PRECISION[platform], side), "copy": copy(side)}
    steps = timed.dispatches * run.steps_per_dispatch
    training: dict[str, Callable[[], Any]] = {
        "ours": training_dispatch(run, timed.dispatches),
        **{mode: partial(peer.train, steps, timed.trained) for mode, peer in peers.items()},
    }
    scoring: dict[str, Callable[[], Any]] = {
        "ours": evaluation_step(run),
        **{mode: partial(peer.evaluate, timed.scored) for mode, peer in peers.items()},
    }
    trained, scored = (in_turn({**work, **device}, rounds=rounds) for work in (training, scoring))
    for who in training:
        trained[who] = [seconds / steps for seconds in trained[who]]
    forward = 2 * multiplications(run) * timed.scored
    return {
        "precision": PRECISION[platform],
        "torch": torch_version() if peers else None,
        f"training, batch {timed.trained}": described(trained, arithmetic(run), traffic(run), side),
        f"evaluation, batch {timed.scored}": described(scored, forward, evaluation_traffic(run), side),
    }


def described(seconds: Mapping[str, list[float]], operations: float, moved: float, side: int) -> dict[str, Any]:
    """Milliseconds of all implementations, and our utilization of the device."""
    whose = {who: found for who, found in seconds.items() if who not in ("product", "copy")}
    return {
        "milliseconds": {who: spread(found) for who, found in whose.items()},
        "of_product": share(operations, seconds["ours"], 2 * side**3, seconds["product"]),
        "of_copy": share(moved, seconds["ours"], 32 * side**2, seconds["copy"]),
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """The median of some times in milliseconds, their extremes, and how many they are."""
    return {
        "median": 1000 * statistics.median(seconds), "lowest": 1000 * min(seconds), "highest": 1000 * max(seconds),
        "n": len(seconds),
    }  # fmt: skip


def in_words(found: Mapping[str, float]) -> str:
    """The same for a table."""
    return f"{found['median']:.3g} ({found['lowest']:.3g} to {found['highest']:.3g})"


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """One row for the training and one for the evaluation of each network."""
    modes = ("ours", "torch", "torch compiled")
    lines = []
    for name, figures in found.items():
        for what, own in figures.items():
            if not isinstance(own, dict):
                continue
            times = own["milliseconds"]
            shares = [f"{own[of]['median']:.2f}" for of in ("of_product", "of_copy")]
            cells = [in_words(times[mode]) if mode in times else "–" for mode in modes]
            lines.append([f"{name}, {figures['precision']}: {what}", *cells, *shares])
    return markdown(["milliseconds", *modes, "of the arithmetic", "of the bandwidth"], lines)


def torch_version() -> str:
    """Of PyTorch."""
    import torch

    return str(torch.__version__)
