"""Where the time of a training step goes: `debug=trace`."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from .engine import Engine

WARM_UP = 3
SHOWN = 20


@dataclass(frozen=True)
class Operation:
    """One operation of the compiled program.

    Attributes:
        name: as XLA calls it.
        calls: how often it ran in a step.
        milliseconds: that it took in a step, over all its calls and threads.
        share: of the time of all operations.
    """

    name: str
    calls: float
    milliseconds: float
    share: float


def trace_steps(engine: Engine, steps: int, directory: Path) -> list[Operation]:
    """Traces some training steps.

    Args:
        engine: the run; its state is left alone.
        steps: how many dispatches are traced, after a few that are not.
        directory: where the trace is written; TensorBoard and Perfetto show it.

    Returns:
        The operations, costliest first.
    """
    state, sums = engine.init_state(), engine.zero_sums()
    order = engine.order(0)
    for stop in range(1, WARM_UP + 1):
        state, sums = engine.advance(state, sums, order, stop)
    jax.block_until_ready(state)
    with jax.profiler.trace(directory):
        for stop in range(WARM_UP + 1, WARM_UP + 1 + steps):
            state, sums = engine.advance(state, sums, order, stop)
        jax.block_until_ready(state)
    names: dict[str, str] = {}
    if engine.kernels:
        program = engine.dispatch.lower(state, sums, engine.split("train"), order, np.int32(0)).compile()
        names = kernel_names(program.as_text())
    trace = max(directory.rglob("*.xplane.pb"), key=lambda path: path.stat().st_mtime)
    return operations(trace, steps, names)


def kernel_names(program: str) -> dict[str, str]:
    """What kernels of our own are called, by the names of their calls in a compiled program, which are all alike."""
    call = re.compile(r"%?(\S+) = .*custom-call\(.*custom_call_target=\"(convnets_\w+)_[0-9a-f]{16}\"")
    return dict(call.findall(program))


def operations(trace: Path, steps: int, kernels: Mapping[str, str]) -> list[Operation]:
    """Adds up the operations of a trace by name, without the numbers that XLA gives to their copies."""
    times: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    for plane in jax.profiler.ProfileData.from_file(str(trace)).planes:
        for line in plane.lines:
            for event in line.events:
                if any(name == "hlo_op" for name, _ in event.stats):
                    name = kernels.get(event.name) or re.sub(r"(\.\d+)+(\.clone)?$", "", event.name)
                    times[name] += event.duration_ns / 1e6
                    calls[name] += 1
    whole = sum(times.values()) or 1.0
    found = [Operation(name, calls[name] / steps, time / steps, time / whole) for name, time in times.items()]
    return sorted(found, key=lambda operation: -operation.milliseconds)


def as_table(found: list[Operation]) -> str:
    """The costliest operations as aligned text."""
    lines = [f"{'operation':<48} {'calls':>6} {'ms/step':>9} {'share':>6}"]
    lines += [
        f"{operation.name[:48]:<48} {operation.calls:>6.0f} {operation.milliseconds:>9.2f} {operation.share:>6.1%}"
        for operation in found[:SHOWN]
    ]
    return "\n".join(lines)
