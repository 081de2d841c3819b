"""Measures rows in processes, until all are done or the time is up."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import jax

from benchmarks.gpu.child import command
from benchmarks.gpu.parts import at_once
from benchmarks.gpu.rows import Place, Row
from src.config.errors import UserError, say
from src.training.interruption import Interrupted, Interruption, signals_noted

START = 15.0
"""Start-up time of a process, in seconds."""

SAVING = 10.0
"""Time reserved for saving runs and writing files, in seconds."""

SHORTEST = 30.0
"""Least time for starting or resuming a run, in seconds."""


def needed(row: Row, scale: float) -> float:
    """Time that must be left to start a row, in seconds."""
    return SHORTEST if row.goes_on else START + scale * row.seconds


def missing(rows: Sequence[Row], place: Place) -> list[Row]:
    """Missing rows; those that failed before come last."""
    return sorted((row for row in rows if not place.measured(row)), key=lambda row: place.record(row) is not None)


def check_time(rows: Sequence[Row], place: Place, seconds: float | None) -> None:
    """Checks that there is enough time.

    Raises:
        UserError: it is not enough for any missing row.
    """
    least = min((needed(row, place.scale) for row in missing(rows, place)), default=0.0) + SAVING
    if seconds is not None and seconds < least:
        raise UserError(f"seconds={seconds:g}: the shortest of the rows that are missing needs about {least:.0f}")


def work_off(rows: Sequence[Row], place: Place, seconds: float | None) -> bool:
    """Measures missing rows in order, and skips those for which there is not enough time.

    Returns:
        Whether all succeeded.

    Raises:
        Interrupted: the process was asked to stop.
    """
    ends = time.perf_counter() + (seconds - SAVING if seconds is not None else float("inf"))
    waiting = missing(rows, place)
    with signals_noted() as interruption:
        while waiting:
            fitting = [row for row in waiting if needed(row, place.scale) <= ends - time.perf_counter()]
            if not fitting:
                break
            count = at_once(place, fitting[0])
            batch = [row for row in fitting if row.goes_on == fitting[0].goes_on][:count]
            measure(batch, place, ends, interruption)
            waiting = [row for row in waiting if row not in batch]
    if waiting:
        say(f"the time is up; left for another time: {', '.join(row.title for row in waiting)}")
    return not any("failed" in (place.record(row) or {}) for row in rows)


def measure(rows: Sequence[Row], place: Place, ends: float, interruption: Interruption) -> None:
    """Measures some rows in parallel, each in its own process, and reports the results.

    Raises:
        Interrupted: the process was asked to stop; rows that can be resumed are saved.
    """
    began = time.perf_counter()
    with ExitStack() as running:
        processes = [running.enter_context(process(row, place, len(rows))) for row in rows]
        stopped = False
        while any(each.poll() is None for each in processes):
            if not stopped and (interruption.signal is not None or time.perf_counter() >= ends):
                stopped = True
                for each in processes:
                    each.terminate()
            time.sleep(0.05)
    for row, each in zip(rows, processes, strict=True):
        conclude(row, place, each.returncode, time.perf_counter() - began, stopped=stopped)
    if interruption.signal is not None:
        raise Interrupted(interruption.signal)


@contextmanager
def process(row: Row, place: Place, at_once: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Starts the process of a row in its own process group, so that Ctrl-C reaches it only through this process."""
    log = place.log(row)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command(row.part, row.name, place, at_once), stdin=subprocess.PIPE, stdout=output, stderr=output,
            process_group=0, env={**os.environ, **environment(place)},
        ) as started,
    ):  # fmt: skip
        yield started


def environment(place: Place) -> dict[str, str]:
    """Environment variables of the process of a row: the GPU is shared, and rehearsals on CPUs need not be fast."""
    slow = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true"} if jax.default_backend() == "cpu" and place.scale < 1 else {}
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **slow}


def conclude(row: Row, place: Place, code: int, seconds: float, *, stopped: bool) -> None:
    """Reports the result of a row, and stores the reason of a failure."""
    if code == 0 and place.measured(row):
        say(f"{row.title}: {seconds:.0f} s")
    elif stopped:
        say(f"{row.title}: stopped after {seconds:.0f} s; {'goes on' if row.goes_on else 'begins anew'} the next time")
    else:
        lines = [line.strip() for line in place.log(row).read_text(errors="replace").splitlines() if line.strip()]
        reason = lines[-1][:300] if lines else f"its process ended with {code}"
        place.write(row, failed=reason)
        say(f"{row.title}: failed after {seconds:.0f} s: {reason}; see {place.log(row)}")
