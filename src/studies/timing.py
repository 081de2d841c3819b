"""Alternating timing, A B A B …, so that drift of the machine affects all candidates."""

import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from ..training.engine import Engine


class Ratio(NamedTuple):
    """The ratio of two alternately measured times.

    Attributes:
        median: over the rounds.
        lowest: over the rounds.
        highest: over the rounds.
        n: number of rounds.
    """

    median: float
    lowest: float
    highest: float
    n: int

    @staticmethod
    def of(seconds: Sequence[float], others: Sequence[float]) -> "Ratio":
        """The first over the second, round by round."""
        ratios = [own / other for own, other in zip(seconds, others, strict=True)]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios), len(ratios))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


def in_turn(work: Mapping[str, Callable[[], Any]], *, rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Times every function once per round.

    Args:
        work: functions that block until their work is done.
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


def training_dispatch(run: Engine, dispatches: int = 1) -> Callable[[], Any]:
    """A function that runs training dispatches and waits for them: one step each on the CPU, several on accelerators.

    The order of two epochs is long enough for every step that is timed; the steps of a longer one repeat an example.
    """
    state, sums, order = run.init_state(), run.zero_sums(), run.order(0)
    stops = itertools.count(run.steps_per_dispatch, run.steps_per_dispatch)

    def work() -> None:
        nonlocal state, sums
        for stop in itertools.islice(stops, dispatches):
            state, sums = run.advance(state, sums, order, stop)
        jax.block_until_ready(state)

    return work
