"""Places of a plane measured on as few examples as a tolerance allows.

A place is measured on a random sample first. What is known of all examples, their classes and their losses at places
that were measured on all of them, takes its part of the variance away (the regression estimator of survey sampling;
Särndal, Swensson and Wretman 1992, Model Assisted Survey Sampling, chapter 6); where that is not enough, the sample
grows. A place is measured on all examples where that will spare more of them at the places that follow around it.

A sample speaks of what it has met. Where one example in hundreds has nearly all of the loss, as with training images
that a network has learnt, it may have met none of them: so every standard error has an allowance for them, if their
loss is at most that of guessing. It does not hold larger losses that are too rare for the sample, since nothing in the
sample says how large they are: where 10 of 10,000 examples have a loss of 8 and all others none, the mean is within two
errors in six of ten samples; with 5 of a loss of 100, in one of three. Where that matters, measure all examples.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int
from pydantic import Field

from ..config.errors import UserError
from ..config.settings import Settings
from ..runs.files import write_whole
from ..runs.versions import version
from .evaluation import ExampleScores, Measure

NEAREST = 8
"""Of the places that were measured on all examples, so many help another one."""

SPARED = 0.3
"""If a place is measured on all, each neighbour that follows is spared such a part of the examples that it needs."""

FEW = 10
"""Classes with fewer examples in the first sample, on average, are taken together."""

EXACT = 1e-9
"""An example of which regression leaves less than this part is fitted exactly."""

MISSED = 1.5
"""Of what is not in a sample of n there are at most 3/n in all, with 95 % (the rule of three; Hanley and Lippman-Hand
1983): two standard errors."""

NAMES = ("loss", "accuracy", "loss_error", "accuracy_error", "examples")
"""What is told of a place: means, their standard errors, and on how many examples it was measured."""


class Tolerance(Settings):
    """The standard error at which a loss is known well enough: the larger of two.

    Attributes:
        relative: part of the loss.
        absolute: in nats, for where the loss is small.
        examples: that are measured at first, and by which a sample grows.
    """

    relative: Annotated[float, Field(gt=0)]
    absolute: Annotated[float, Field(gt=0)]
    examples: Annotated[int, Field(ge=20)]


class Means(NamedTuple):
    """Means over all examples, as far as a sample says.

    Attributes:
        values: of each column.
        errors: their standard errors.
    """

    values: Float64[np.ndarray, "k"]
    errors: Float64[np.ndarray, "k"]


def regression_means(
    values: Float64[np.ndarray, "n k"],
    known: Float64[np.ndarray, "n d"],
    known_means: Float64[np.ndarray, "d"],
    total: int,
) -> Means:
    """Means over all examples, from the values of a random sample and what is known of every example.

    Where the sample has nothing of what some examples have, such as a class, or a single one of a class, which tells
    nothing of the others, its errors are infinite.

    Args:
        values: of the sample.
        known: of the sample; its columns span a constant.
        known_means: means of these columns over all examples.
        total: number of all examples.
    """
    basis, weights, rows = np.linalg.svd(known, full_matrices=False)
    held = weights > weights[0] * len(known) * np.finfo(float).eps
    basis, back = basis[:, held], (rows[held] / weights[held, None]).T
    coefficients = back @ (basis.T @ values)
    leverage = (basis**2).sum(axis=1, keepdims=True)
    free = np.where(1 - leverage > EXACT, 1 - leverage, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = (values - known @ coefficients) / free  # of each example, predicted from all others
    variance = (left**2).sum(axis=0) / len(values) * (1 / len(values) - 1 / total)
    unseen = ((known == 0).all(axis=0) & (known_means != 0)).any()
    errors = np.sqrt(np.nan_to_num(variance, nan=np.inf, posinf=np.inf))
    return Means(known_means @ coefficients, np.full_like(errors, np.inf) if unseen else errors)


def strata(labels: Int[np.ndarray, "n"], share: float) -> Bool[np.ndarray, "n k"]:
    """Which examples belong to which class; classes below a share are taken together, with the smallest above it."""
    classes, counts = np.unique(labels, return_counts=True)
    own = counts >= share * len(labels)
    if not own.all() and own.any():
        own[np.flatnonzero(own)[counts[own].argmin()]] = False
    of_class = classes[None, :] == labels[:, None]
    together = of_class[:, ~own].any(axis=1, keepdims=True)
    return of_class if own.all() else np.column_stack([of_class[:, own], together])


def coarse_to_fine(axes: Sequence[Float64[np.ndarray, "_"]]) -> list[int]:
    """All points of a grid, from its middle, each as far as can be from all before it (Gonzalez 1985)."""
    steps = [np.linspace(-1, 1, len(axis)) for axis in axes]
    points = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(axes))
    order = [int((points**2).sum(axis=1).argmin())]
    distance = np.full(len(points), np.inf)
    while len(order) < len(points):
        distance = np.minimum(distance, ((points - points[order[-1]]) ** 2).sum(axis=1))
        order.append(int(distance.argmax()))
    return order


class Complete:
    """Losses of all examples at the places that were measured on all of them, in files, so that a survey can go on."""

    def __init__(self, folder: Path, places: Float32[np.ndarray, "p d"]) -> None:
        """Reads what is there.

        Args:
            folder: of the files.
            places: all that will be measured, in their order.

        Raises:
            UserError: a file is damaged.
        """
        self._folder, self._places = folder, places
        self._losses: dict[int, Float32[np.ndarray, "n"]] = {}
        for path in folder.glob("*.npy"):
            try:
                self._losses[int(path.stem)] = np.load(path, allow_pickle=False)
            except (ValueError, EOFError):
                raise UserError(f"{path} is damaged; remove {folder} to measure anew") from None

    def keep(self, rank: int, losses: Float32[np.ndarray, "n"]) -> None:
        """Keeps the losses at the place of a rank."""
        content = io.BytesIO()
        np.save(content, losses, allow_pickle=False)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{rank}.npy", content.getvalue())
        self._losses[rank] = losses

    def nearest(self, rank: int) -> list[Float32[np.ndarray, "n"]]:
        """Finite losses at the nearest places among those that come earlier than one."""
        earlier = [other for other, losses in self._losses.items() if other < rank and np.isfinite(losses).all()]
        distance = ((self._places - self._places[rank]) ** 2).sum(axis=1)
        return [self._losses[other] for other in sorted(earlier, key=lambda k: (distance[k], k))[:NEAREST]]


@version(1)
class Sampled:
    """Measures places one after the other, each to a tolerance; the later ones learn from the earlier."""

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
            scores: loss and hit of chosen examples at a place.
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
            found = _means(values, known, self._missed)
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


def together(measures: Mapping[str, Measure]) -> Measure:
    """Measures of several splits as one, whose names begin with the split's."""

    def measure(places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        found = {split: own(places) for split, own in measures.items()}
        return [
            {f"{split}_{name}": value for split, rows in found.items() for name, value in rows[k].items()}
            for k in range(len(places))
        ]

    return measure


def _means(
    values: Float64[np.ndarray, "n k"], known: Float64[np.ndarray, "total d"], missed: Float64[np.ndarray, "k"]
) -> Means:
    """Means over all examples from the first ones; where one overflowed, no other makes the mean finite again.

    Args:
        values: of the first ones.
        known: of all.
        missed: by how much an example that the sample has nothing like is taken to be worse at most.
    """
    count, total = len(values), len(known)
    if count == total or not np.isfinite(values).all():
        return Means(values.mean(axis=0), np.full(values.shape[1], 0.0 if count == total else np.nan))
    found = regression_means(values, known[:count], known.mean(axis=0), total)
    return Means(found.values, np.hypot(found.errors, MISSED * missed / count * (1 - count / total)))
