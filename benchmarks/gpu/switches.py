"""What small kernels cost: training steps of ResNet-56, batch 128, with one thing changed at a time.

The first row is what all others change: bfloat16, ten steps a dispatch, layouts and command buffers as they come.
XLA fuses a normalization with the ReLU after it by itself; a row without any normalization says what a better fusion
could save at most. Convolutions of 16 filters are laid out for four pixels side by side (`src/operations/
gpu_convolution.py`), but for the row that leaves them to XLA.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from unittest.mock import patch

from flax import nnx

from benchmarks.gpu.rows import Place
from benchmarks.gpu.steps import in_words, spread
from benchmarks.noise import noise_engine
from src.markdown import markdown
from src.studies.timing import in_turn, training_dispatch
from src.training import engine

REVISION = 1
STEPS, ROUNDS = 100, 7
BASE = "as it is"


def nothing() -> None:
    """For what settings and flags change by themselves."""


def no_normalization() -> None:
    """Removes batch normalization from every network of this process."""
    patch.object(nnx.BatchNorm, "__call__", lambda self, x, *more, **how: x).start()


def no_fast_layers() -> None:
    """Leaves every layer of this process to XLA."""
    patch.object(engine, "use_fast_layers", lambda module, platform: None).start()


class Switch(NamedTuple):
    """One thing that is changed.

    Attributes:
        arguments: of `python -m src.train`.
        flags: of XLA.
        change: what is done to this process first.
    """

    arguments: tuple[str, ...] = ()
    flags: str = ""
    change: Callable[[], None] = nothing


SWITCHES = {
    BASE: Switch(),
    "command buffers of loops too": Switch(flags="--xla_gpu_enable_command_buffer=+WHILE,+CONDITIONAL"),
    "no command buffers": Switch(flags="--xla_gpu_enable_command_buffer="),
    "a hundred steps a dispatch": Switch(("train.steps_per_dispatch=100",)),
    "one step a dispatch": Switch(("train.steps_per_dispatch=1",)),
    "no normalization": Switch(change=no_normalization),
    "16 filters left to XLA": Switch(change=no_fast_layers),
    "convolutions with channels last": Switch(flags="--xla_gpu_force_conv_nhwc=true"),
    "convolutions with channels first": Switch(flags="--xla_gpu_force_conv_nchw=true"),
    "float32": Switch(("precision=float32",)),
    "float32, products in TF32": Switch(("precision=float32", "precision.matmul=default")),
    "deterministic=true": Switch(("deterministic=true",)),
}
ROWS = dict.fromkeys(SWITCHES, 22.0)


def measure(name: str, place: Place) -> dict[str, Any]:
    """Milliseconds of a step with one change; call it in a fresh process."""
    switch, whole = SWITCHES[name], place.scale == 1
    switch.change()
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {switch.flags}".strip()
    run = engine_of(switch, whole)
    steps = STEPS if whole else 1
    dispatches = max(1, steps // run.steps_per_dispatch)
    rounds = {"rounds": ROUNDS} if whole else {"rounds": 1, "warm_up": 0}
    seconds = in_turn({"steps": training_dispatch(run, dispatches)}, **rounds)["steps"]
    taken = dispatches * run.steps_per_dispatch
    return {"milliseconds": spread([each / taken for each in seconds]), "xla_flags": os.environ["XLA_FLAGS"]}


def engine_of(switch: Switch, whole: bool) -> engine.Engine:
    """What a switch times: of a rehearsal a tiny network."""
    depth, batch, side = (56, 128, 32) if whole else (8, 8, 8)
    return noise_engine(
        "data=cifar10", "precision=bfloat16", f"model.depth={depth}", f"data.batch_size={batch}", *switch.arguments,
        side=side, classes=10, examples=400 * batch,
    )  # fmt: skip


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of all switches."""
    base = found.get(BASE, {}).get("milliseconds", {}).get("median")
    lines = [
        [name, in_words(own["milliseconds"]), f"{own['milliseconds']['median'] / base:.2f}" if base else "–"]
        for name, own in found.items()
    ]
    return markdown(["changed", "milliseconds a step", "of the first row's"], lines)
