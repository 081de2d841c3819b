"""The best score on the validation split so far."""

import math
from collections.abc import Iterable

from ..tasks.metrics import Metric
from ..tracking.sinks import Row


class Best:
    """The best of a run's validation scores that are finite, and the earliest of equal ones.

    Attributes:
        step: of the best; None before the first.
        value: of the best.
    """

    def __init__(self, metric: Metric, rows: Iterable[Row] = ()) -> None:
        """Reads the rows so far; only those of the validation split count."""
        self._name, self._sign = f"validation_{metric.name}", -1 if metric.direction == "minimize" else 1
        self.step: int | None = None
        self.value: float | None = None
        for row in rows:
            self.update(row)

    def update(self, row: Row) -> None:
        """Takes one more row."""
        value = row.get(self._name, math.nan)
        if math.isfinite(value) and (self.value is None or self._sign * value > self._sign * self.value):
            self.step, self.value = row["step"], value
