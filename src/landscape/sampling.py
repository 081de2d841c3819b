"""The mean over many examples from a sample of them, and how sure it is.

Examples are drawn in proportion to a size, and what is known of all of them takes its part of the variance away
(regression estimator; Särndal, Swensson and Wretman 1992, Model Assisted Survey Sampling, chapter 6).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int


class Means(NamedTuple):
    """Means over all examples.

    Attributes:
        values: of each column.
        errors: their standard errors.
    """

    values: Float64[np.ndarray, "k"]
    errors: Float64[np.ndarray, "k"]


def drawn(sizes: Float64[np.ndarray, "n"], uniform: Float64[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """All examples in an order whose every beginning is a sample in proportion to the sizes (Ohlsson 1998).

    Args:
        sizes: above 0.
        uniform: a random number between 0 and 1 for each example.
    """
    return np.argsort(uniform / sizes, kind="stable")


def chances(sizes: Float64[np.ndarray, "n"], count: int) -> Float64[np.ndarray, "n"]:
    """The chance of each example to be among the first `count`; those too large for their share are so for certain."""
    certain = np.zeros(len(sizes), bool)
    while True:
        share = (count - certain.sum()) / max(sizes[~certain].sum(), np.finfo(float).tiny)
        found = np.where(certain, 1.0, share * sizes)
        if (found <= 1).all():
            return found
        certain |= found > 1


def regression_means(
    values: Float[np.ndarray, "n k"],
    known: Float64[np.ndarray, "n d"],
    known_means: Float64[np.ndarray, "d"],
    chance: Float64[np.ndarray, "n"],
) -> Means:
    """Means over all examples, from the values of some and what is known of all.

    Args:
        values: of the examples of a sample.
        known: of the same examples; the columns span a constant.
        known_means: the means of these columns over all examples.
        chance: of each of these examples to be in the sample.
    """
    weights = 1 / chance
    total = weights.sum()
    root = np.sqrt(weights)[:, None]
    coefficients, _, rank, _ = np.linalg.lstsq(known * root, values * root)
    residuals = values - known @ coefficients
    spread = ((1 - chance[:, None]) * (residuals * weights[:, None]) ** 2).sum(axis=0)
    freedom = len(values) / (len(values) - rank) if len(values) > rank else np.inf
    means = known_means @ coefficients + weights @ residuals / total
    return Means(means, np.sqrt(freedom * spread) / total)
