"""Means over all examples from a sample and from variables known for all: the regression estimator of survey sampling.

Särndal, Swensson and Wretman 1992, Model Assisted Survey Sampling, chapter 6.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

EXACT = 1e-9
"""An example whose residual has less than this share of freedom is fitted exactly."""

MISSED = 1.5
"""Of what is not in a sample of n there are at most 3/n in all, with 95 % (the rule of three; Hanley and Lippman-Hand
1983): two standard errors."""


class Means(NamedTuple):
    """Estimated means over all examples.

    Attributes:
        values: of each column.
        errors: standard errors of the values.
    """

    values: Float64[np.ndarray, "k"]
    errors: Float64[np.ndarray, "k"]


def means_of_first(
    values: Float64[np.ndarray, "n k"], known: Float64[np.ndarray, "total d"], missed: Float64[np.ndarray, "k"]
) -> Means:
    """Means over all examples from the first ones. If one of these is not finite, neither is the mean.

    Args:
        values: of the first examples.
        known: variables of all examples.
        missed: upper limit on how much worse a missed example is.
    """
    count, total = len(values), len(known)
    if count == total or not np.isfinite(values).all():
        return Means(values.mean(axis=0), np.full(values.shape[1], 0.0 if count == total else np.nan))
    found = regression_means(values, known[:count], known.mean(axis=0), total)
    return Means(found.values, np.hypot(found.errors, MISSED * missed / count * (1 - count / total)))


def regression_means(
    values: Float64[np.ndarray, "n k"],
    known: Float64[np.ndarray, "n d"],
    known_means: Float64[np.ndarray, "d"],
    total: int,
) -> Means:
    """Means over all examples, from the values of a random sample and from variables known for every example.

    If the sample has no example of some kind, such as a class, or only one, which gives no variance, the errors are
    infinite.

    Args:
        values: of the sample.
        known: variables of the sample; the columns span the constant.
        known_means: their means over all examples.
        total: number of all examples.
    """
    basis, weights, rows = np.linalg.svd(known, full_matrices=False)
    held = weights > weights[0] * len(known) * np.finfo(float).eps
    basis, back = basis[:, held], (rows[held] / weights[held, None]).T
    coefficients = back @ (basis.T @ values)
    leverage = (basis**2).sum(axis=1, keepdims=True)
    free = np.where(1 - leverage > EXACT, 1 - leverage, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = (values - known @ coefficients) / free  # leave-one-out residuals
    variance = (left**2).sum(axis=0) / len(values) * (1 / len(values) - 1 / total)
    unseen = ((known == 0).all(axis=0) & (known_means != 0)).any()
    errors = np.sqrt(np.nan_to_num(variance, nan=np.inf, posinf=np.inf))
    return Means(known_means @ coefficients, np.full_like(errors, np.inf) if unseen else errors)


def strata(labels: Int[np.ndarray, "n"], share: float) -> Bool[np.ndarray, "n k"]:
    """Class indicators of the examples; classes below a share are merged with the smallest class above it."""
    classes, counts = np.unique(labels, return_counts=True)
    own = counts >= share * len(labels)
    if not own.all() and own.any():
        own[np.flatnonzero(own)[counts[own].argmin()]] = False
    of_class = classes[None, :] == labels[:, None]
    together = of_class[:, ~own].any(axis=1, keepdims=True)
    return of_class if own.all() else np.column_stack([of_class[:, own], together])
