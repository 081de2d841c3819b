"""Measures points of a plane on as few examples as a tolerance allows.

A point is first measured on a random sample. Regression on variables that are known for all examples, namely their
classes and their losses at points that were measured on all examples, reduces the variance (the regression estimator of
survey sampling; Särndal, Swensson and Wretman 1992, Model Assisted Survey Sampling, chapter 6). If the standard error
is still too large, the sample grows. A point is measured on all examples if that saves more examples at later points
around it.

If one example in hundreds has nearly all of the loss, as with training images that a network has learnt, a sample may
contain none of them. So every standard error includes an allowance for missed examples with losses up to that of
guessing. It does not cover rare examples with larger losses, whose size a sample cannot show: where 10 of 10,000
examples have a loss of 8 and all others none, the mean is within two errors in six of ten samples; with 5 of a loss of
100, in one of three. If that matters, measure all examples.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Float32, Int
from pydantic import Field

from ..config.settings import Settings
from ..runs.versions import version
from .complete import Complete
from .evaluation import ExampleScores
from .regression import Means, means_of_first, strata

SPARED = 0.3
"""Share of its examples that each later neighbour saves if a point is measured on all examples."""

FEW = 10
"""Classes with fewer examples in the first sample, on average, are merged."""

NAMES = ("loss", "accuracy", "loss_error", "accuracy_error", "examples")
"""The values of a point: means, their standard errors, and the number of examples."""


class Tolerance(Settings):
    """The required standard error of a loss: the larger of two limits.

    Attributes:
        relative: relative to the loss.
        absolute: in nats, for small losses.
        examples: size of the first sample, and of its increments.
    """

    relative: Annotated[float, Field(gt=0)]
    absolute: Annotated[float, Field(gt=0)]
    examples: Annotated[int, Field(ge=20)]


@version(1)
class Sampled:
    """Measures points one after the other to a tolerance; later points use the losses at earlier ones."""

    def __init__(
        self,
        scores: ExampleScores,
        labels: Int[np.ndarray, "n"],
        places: Float32[np.ndarray, "p d"],
        tolerance: Tolerance,
        order: Int[np.ndarray, "n"],
        folder: Path,
    ) -> None:
        """Prepares.

        Args:
            scores: loss and correctness of chosen examples at a place.
            labels: classes of all examples.
            places: all that will be measured, in their order.
            tolerance: when a place is known well enough.
            order: a random order of the examples; every sample is a beginning of it.
            folder: for the losses at places that were measured on all examples.
        """
        self._scores, self._tolerance, self._order = scores, tolerance, order
        self._classes = strata(labels, FEW / tolerance.examples)
        self._missed = np.array([np.log(len(np.unique(labels))), 1.0])  # loss of guessing; all of the accuracy
        self._rank = {place.tobytes(): rank for rank, place in enumerate(places)}
        self._complete = Complete(folder, places)

    def __call__(self, places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        return [self._measured(place) for place in places]

    def _measured(self, place: Float32[np.ndarray, "d"]) -> dict[str, float]:
        rank, total = self._rank[place.tobytes()], len(self._order)
        known = np.column_stack([self._classes, *self._complete.nearest(rank)]).astype(np.float64)[self._order]
        values, count = np.empty((0, 2)), min(self._tolerance.examples, total)
        while len(values) < count:
            values = np.concatenate([values, self._scores(place, self._order[len(values) : count])])
            found = means_of_first(values, known, self._missed)
            count = max(count, self._needed(found, count, rank))
        if count == total:
            self._complete.keep(rank, values[np.argsort(self._order), 0].astype(np.float32))
        named = zip(NAMES, (*found.values, *found.errors, count), strict=True)
        return {name: float(value) for name, value in named}

    def _needed(self, found: Means, count: int, rank: int) -> int:
        """How many examples the tolerance takes, if all vary like those that were measured; at most twice as many.

        All of them where the rest costs less than what each of the neighbours that follow is spared.
        """
        total, step = len(self._order), self._tolerance.examples
        limit = max(self._tolerance.relative * found.values[0], self._tolerance.absolute)
        if not found.errors[0] > limit:
            return count
        least = 1 / (1 / total + (limit / found.errors[0]) ** 2 * (1 / count - 1 / total))
        rounded = step * int(np.ceil(min(max(least, count + 1), 2 * count) / step))
        following = (len(self._rank) - rank - 1) / (rank + 1)  # for each place so far, since they lie evenly
        return total if total - rounded < SPARED * rounded * following else min(rounded, total)
