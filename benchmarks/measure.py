"""Timing in turn: A B A B …, so that a machine that drifts does so under all of them."""

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from src.runs.provenance import commit, uncommitted

RESULTS = Path("results/benchmarks")


def in_turn(work: dict[str, Callable[[], Any]], *, rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Runs every piece of work once a round.

    Args:
        work: functions that return when their work is done.
        rounds: how often each is timed.
        warm_up: rounds that are not counted.

    Returns:
        Seconds of every round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(warm_up + rounds):
        for name, function in work.items():
            started = time.perf_counter()
            function()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: dict[str, list[float]], ours: str, peer: str) -> dict[str, Any]:
    """How fast ours is beside its peer: the median of the rounds' ratios, their extremes, and n."""
    ratios = [theirs / own for own, theirs in zip(seconds[ours], seconds[peer], strict=True)]
    return {
        "speed_ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "n": len(ratios),
        "median_seconds": {name: statistics.median(seconds[name]) for name in (ours, peer)},
    }


def write(name: str, figures: dict[str, Any]) -> None:
    """Writes the figures of one benchmark with where they were measured."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    device = jax.devices()[0]
    where = {
        "device": device.device_kind,
        "devices": jax.device_count(),
        "machine": platform.machine(),
        "jax": jax.__version__,
        "commit": commit(),
        "dirty": bool(uncommitted()),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps({"where": where, "figures": figures}, indent=2) + "\n")
