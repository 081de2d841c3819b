"""Means of repeated measurements, with confidence intervals."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy.stats import t

from ..config.errors import UserError


class Estimate(NamedTuple):
    """The mean of independent repetitions.

    Attributes:
        mean: of all of them.
        std: standard deviation of one repetition. Like the interval it is NaN for a single repetition, or if one is not
            finite.
        low: lower end of the 95 % interval of the mean (Student 1908).
        high: upper end.
        n: number of repetitions.
    """

    mean: float
    std: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.std is None else f"{self.mean:.2f} ± {self.std:.2f}"

    @property
    def interval(self) -> str:
        """The interval as text."""
        return "unknown" if self.low is None else f"{self.low:.2f} to {self.high:.2f}"

    @property
    def positive(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low is not None and self.low > 0

    @property
    def verdict(self) -> str:
        """Mean, interval and whether it is above 0, as text."""
        shown = "above 0" if self.positive else "not shown to be above 0"
        return f"{self}, 95 % interval {self.interval} (n = {self.n}): {shown}"


def estimate(values: Sequence[float], comparisons: int = 1) -> Estimate:
    """The mean of normally distributed repetitions; for two variants pass the differences by seed.

    Args:
        values: of the repetitions.
        comparisons: number of intervals that hold together with 95 % (Bonferroni).
    """
    n, mean = len(values), statistics.fmean(values)
    if n == 1 or not all(map(math.isfinite, values)):
        return Estimate(mean, None, None, None, n)
    std = statistics.stdev(values)
    half = float(t.ppf(1 - 0.025 / comparisons, n - 1)) * std / math.sqrt(n)
    return Estimate(mean, std, mean - half, mean + half, n)


def contrasts(values: Mapping[str, Mapping[int, float]], terms: Sequence[tuple[int, str]]) -> list[float]:
    """Sums and differences of the values of variants by seed, for the seeds that all of them have.

    Args:
        values: by the variant's name and the seed.
        terms: 1 or -1, and the name of a variant.

    Raises:
        UserError: no seed has all of them.
    """
    first, *others = (values.get(name, {}) for _, name in terms)
    seeds = [seed for seed in first if all(seed in other for other in others)]
    if not seeds:
        raise UserError(f"no seed has finished runs of {', '.join(name for _, name in terms)}")
    return [sum(sign * values[name][seed] for sign, name in terms) for seed in seeds]


def verdicts(found: Mapping[str, Estimate]) -> str:
    """A line per estimate: its name, and whether it is above 0."""
    return "".join(f"- {words}: {each.verdict}\n" for words, each in found.items())


def estimate_correlation(values: Sequence[float]) -> Estimate:
    """The mean of correlations, with an interval that stays between -1 and 1 (the z of Fisher 1915)."""
    inside = math.nextafter(1, 0)
    z = estimate([math.atanh(min(max(value, -inside), inside)) for value in values])
    low, high = (None if end is None else math.tanh(end) for end in (z.low, z.high))
    return estimate(values)._replace(low=low, high=high)
