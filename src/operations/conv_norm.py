"""Fused convolution, batch normalization by the moments of the batch, and ReLU, with gradients."""

from functools import partial
from typing import Any

import jax

from .arrays import Maps
from .calls import Apply, Backward, Forward, MomentsOf, NormBack, Sums, called
from .convolution import Activation, gradients, values
from .norm import Moments, Norm, Weights, applied, normalized, shared
from .varying import together


def convolution_norm(
    library: str, norm: Norm, activation: Activation, x: Maps, weights: Weights, addend: Maps | None = None
) -> tuple[Maps, Moments]:
    """A convolution, batch normalization with the moments of the batch, an addend, and an activation.

    Args:
        library: key of loaded kernels.
        norm: window and normalization.
        activation: what comes last.
        x: float32.
        weights: float32.
        addend: of the result's shape, or nothing.

    Returns:
        The result, and the moments before the normalization.
    """
    x, *parts = together(x, *weights)
    return _convolution_norm(library, norm, activation, x, Weights(*parts), addend)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _convolution_norm(
    library: str, norm: Norm, activation: Activation, x: Maps, weights: Weights, addend: Maps | None
) -> tuple[Maps, Moments]:
    return _convolution_norm_kept(library, norm, activation, x, weights, addend)[0]


def _convolution_norm_kept(
    library: str, norm: Norm, activation: Activation, x: Maps, weights: Weights, addend: Maps | None
) -> tuple[tuple[Maps, Moments], tuple[Any, ...]]:
    z, *own = values(library, Forward(norm.window, moments=True), x, weights.filters)
    moments = shared(Moments(*own), norm.axis)
    (y,) = called(library, Apply(*activation), (z, *applied(norm, moments, weights.scale, weights.bias), addend))
    return (y, moments), (x, weights, z, y if activation.relu else None, addend, moments)


def _convolution_norm_back(
    library: str, norm: Norm, activation: Activation, kept: tuple[Any, ...], cotangents: tuple[Maps, Moments]
) -> tuple[Maps, Weights, Maps | None]:
    x, weights, z, y, addend, moments = kept
    dy, dmoments = cotangents
    sums = called(library, Sums(activation.ceiling), (z, y, dy, moments.mean))
    after, dscale, dbias = normalized(norm, moments, weights.scale, z, sums, dmoments)
    call = Backward(norm.window, masked=activation.relu and addend is not None, ceiling=activation.ceiling)
    dx, dfilters, masked = gradients(library, call, x, weights.filters, dy, y=y, z=z, after=after)
    daddend = None if addend is None else masked if activation.relu else dy
    return dx, Weights(dfilters, dscale, dbias), daddend


_convolution_norm.defvjp(_convolution_norm_kept, _convolution_norm_back)


def norm_convolution(library: str, norm: Norm, x: Maps, weights: Weights) -> tuple[Maps, Moments]:
    """Batch normalization with the moments of the batch, ReLU, and a convolution, without writing the values between.

    Args:
        library: key of loaded kernels.
        norm: window and normalization.
        x: float32.
        weights: float32.

    Returns:
        The result, and the moments of x.
    """
    x, *parts = together(x, *weights)
    return _norm_convolution(library, norm, x, Weights(*parts))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _norm_convolution(library: str, norm: Norm, x: Maps, weights: Weights) -> tuple[Maps, Moments]:
    return _norm_convolution_kept(library, norm, x, weights)[0]


def _norm_convolution_kept(
    library: str, norm: Norm, x: Maps, weights: Weights
) -> tuple[tuple[Maps, Moments], tuple[Maps, Weights, Moments]]:
    moments = shared(Moments(*called(library, MomentsOf(), (x,))), norm.axis)
    opened = applied(norm, moments, weights.scale, weights.bias)
    y, *_ = values(library, Forward(norm.window), x, weights.filters, before=opened)
    return (y, moments), (x, weights, moments)


def _norm_convolution_back(
    library: str, norm: Norm, kept: tuple[Maps, Weights, Moments], cotangents: tuple[Maps, Moments]
) -> tuple[Maps, Weights]:
    (x, weights, moments), (dy, dmoments) = kept, cotangents
    opened = applied(norm, moments, weights.scale, weights.bias)
    dopened, dfilters, _, *sums = called(
        library, Backward(norm.window, sums=True), (x, weights.filters, *opened, dy, *[None] * 8, moments.mean)
    )
    after, dscale, dbias = normalized(norm, moments, weights.scale, x, tuple(sums), dmoments)
    (dx,) = called(library, NormBack(), (dopened, x, *opened, *after))
    return dx, Weights(dfilters, dscale, dbias)


_norm_convolution.defvjp(_norm_convolution_kept, _norm_convolution_back)
