"""What is reported of a split: numbers with a name, a direction and a unit."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..data.batches import Batch

Outputs = Any
Sums = dict[str, Array]
"""Measurements of a batch that add up over steps, over batches and over devices; one name is one quantity."""

Direction = Literal["maximize", "minimize"]
"""Which values are better, in Optuna's words."""

SHARE = "%"

Values = Mapping[str, Any]
"""Sums over a whole split, or what was gathered of its examples, by name."""


class Metric(NamedTuple):
    """One number, or list of numbers, that is reported of a split.

    Attributes:
        name: as in `metrics.jsonl`, without the split.
        update: what a batch adds, by name. Metrics may share a sum by giving it the same name.
        compute: the value from the sums of a whole split.
        direction: which values are better; None where that is no question.
        unit: `%` for a share of 1, which is shown in percent; else the unit itself, such as `nats`.
        gathered: `update` gives values of each example in place of sums. They are brought to the host as they are, and
            `compute` sees those of all examples: average precision and medians need them.
    """

    name: str
    update: Callable[[Outputs, Batch], Sums]
    compute: Callable[[Values], Any]
    direction: Direction | None = None
    unit: str = ""
    gathered: bool = False

    def shown(self, value: float) -> str:
        """A value for people."""
        return f"{value:.2%}" if self.unit == SHARE else f"{value:.4g}"


def updates(metrics: Iterable[Metric], outputs: Outputs, batch: Batch) -> Sums:
    """What a batch adds to the metrics' sums."""
    return {name: value for metric in metrics for name, value in metric.update(outputs, batch).items()}


def computed(metrics: Iterable[Metric], values: Values) -> dict[str, Any]:
    """The values of metrics, as plain numbers and lists."""
    return {metric.name: metric.compute(values) for metric in metrics}


def counts(batch: Batch) -> Int[Array, "b"]:
    """1 for an example that counts, else 0."""
    return batch.weights.astype(jnp.int32)


def mean(name: str, over: str = "examples") -> Callable[[Values], float]:
    """A sum over the number of examples, or over another sum."""
    return lambda values: float(values[name]) / int(values[over])


def median(name: str) -> Callable[[Values], float]:
    """The median of what was gathered."""
    return lambda values: float(np.median(values[name]))
