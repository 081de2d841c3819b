"""Tests whether two groups of filters specialise, one in colours and the other in brightness.

Krizhevsky et al. 2012 (NeurIPS), section 6.1 and Fig. 3: of AlexNet's two groups, which are separate from the first
layer on, one becomes largely colour-agnostic and the other largely colour-specific, in every run.
"""

from typing import NamedTuple

import numpy as np
from flax import nnx
from jaxtyping import Float

from ..config.errors import UserError
from ..layers.blocks import ConvReLU
from ..models.convs_then_dense import ConvsThenDense

PERMUTATIONS = 10_000


class Difference(NamedTuple):
    """The comparison of two groups of numbers.

    Attributes:
        means: of both groups.
        difference: absolute difference of the means, as groups have no order.
        p: share of random divisions into groups that differ at least as much.
    """

    means: tuple[float, float]
    difference: float
    p: float


def first_filters(module: nnx.Module) -> Float[np.ndarray, "h w c filters"]:
    """The filters of the first convolution of AlexNet or ZFNet.

    The second convolution takes its groups of channels in order, so with two groups each half of these filters feeds
    one of them alone.

    Raises:
        UserError: it is another network, or its images have one channel.
    """
    if not isinstance(module, ConvsThenDense):
        raise UserError("groups are looked for in networks such as model=alexnet")
    convolution = next(layer.conv for layer in module.features if isinstance(layer, ConvReLU))
    filters = np.asarray(convolution.kernel[...], np.float64)
    if filters.shape[2] == 1:
        raise UserError("filters for images of one channel have no colours; train on colour images")
    return filters


def colour_shares(filters: Float[np.ndarray, "h w c filters"]) -> Float[np.ndarray, "filters"]:
    """The part of each filter's energy, the sum of its squares, that lies in differences between colour channels.

    It is 0 for a filter of brightness only, 1 for one whose channels cancel, 1 - 1/c on average for independent random
    weights, and NaN for a filter of zeros.
    """
    differences = filters - filters.mean(axis=2, keepdims=True)
    energy = (filters**2).sum(axis=(0, 1, 2))
    return (differences**2).sum(axis=(0, 1, 2)) / np.where(energy > 0, energy, np.nan)


def halves_differ(values: Float[np.ndarray, "n"], seed: int) -> Difference:
    """Compares the first half of some numbers with the second, by a permutation test (Fisher 1935).

    Args:
        values: one per filter, an even number of them; NaN are left out. If there are enough NaN to fill a group, all
            results are NaN.
        seed: of the permutations.
    """
    if np.isnan(values).sum() >= len(values) // 2:
        return Difference((np.nan, np.nan), np.nan, np.nan)
    orders = np.tile(values, (1 + PERMUTATIONS, 1))
    orders[1:] = np.random.default_rng(seed).permuted(orders[1:], axis=1)
    first, second = (np.nanmean(half, axis=1) for half in np.split(orders, 2, axis=1))
    gaps = np.abs(first - second)
    # # The actual groups count as one permutation; sums in another order may differ by rounding.
    p = np.mean(gaps >= gaps[0] * (1 - 1e-9))
    return Difference((float(first[0]), float(second[0])), float(gaps[0]), float(p))
