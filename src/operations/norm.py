"""Batch normalization: scale and shift by channel, and the gradient from sums over the maps."""

from typing import NamedTuple

import jax

from .arrays import Filters, Maps, Vector
from .calls import Arrays
from .varying import total
from .window import Window


class Norm(NamedTuple):
    """A convolution's window and its batch normalization.

    Attributes:
        window: of the convolution.
        epsilon: added to the variance.
        axis: device axis over which moments are averaged, or None.
    """

    window: Window
    epsilon: float
    axis: str | None = None


class Weights(NamedTuple):
    """Filters of a convolution, scale and bias of its normalization."""

    filters: Filters
    scale: Vector
    bias: Vector


class Moments(NamedTuple):
    """Mean and biased variance by channel."""

    mean: Vector
    variance: Vector


def shared(moments: Moments, axis: str | None) -> Moments:
    """Moments over the batches of all devices, which have equal sizes."""
    if axis is None:
        return moments
    mean = jax.lax.pmean(moments.mean, axis)
    return Moments(mean, jax.lax.pmean(moments.variance + (moments.mean - mean) ** 2, axis))


def applied(norm: Norm, moments: Moments, scale: Vector, bias: Vector) -> tuple[Vector, Vector]:
    """The normalization as scale and shift by channel."""
    by = scale * jax.lax.rsqrt(moments.variance + norm.epsilon)
    return by, bias - moments.mean * by


def normalized(
    norm: Norm, moments: Moments, scale: Vector, z: Maps, sums: Arrays, dmoments: Moments
) -> tuple[tuple[Vector, Vector, Vector], Vector, Vector]:
    """The gradient of a normalization.

    Args:
        norm: constants of the normalization.
        moments: over all devices.
        scale: of the normalization.
        z: input of the normalization, on this device.
        sums: of the gradient and of its product with z - mean, on this device.
        dmoments: cotangents of the moments.

    Returns:
        (by_gradient, by_value, constant) of the gradient of z, see `NormBack`; gradients of scale and bias.
    """
    count = z.size // z.shape[-1]
    slope = jax.lax.rsqrt(moments.variance + norm.epsilon) if count else 0 * scale  # zero without images
    own_sum, own_products = sums
    all_sums, dmean, dvariance = (own_sum, own_products), *dmoments
    if norm.axis is not None:
        count *= jax.lax.axis_size(norm.axis)
        all_sums = jax.lax.psum(all_sums, norm.axis)
        dmean, dvariance = (total(value, norm.axis, z) for value in dmoments)
    by_gradient = scale * slope
    by_value = (2 * dvariance - by_gradient * slope**2 * all_sums[1]) / count
    constant = (dmean - by_gradient * all_sums[0]) / count - by_value * moments.mean
    return (by_gradient, by_value, constant), own_products * slope, own_sum
