"""Convolutions by our own kernels, with gradients."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .arrays import Filters, Maps, Vector
from .calls import Arrays, Backward, Forward, called
from .varying import together
from .window import Window

FUSED_FILTERS = 64 * 64 * 9
"""Up to this number of weights, one call computes both gradients, since both read the same incoming gradient."""

FEWEST_CHANNELS = 8
"""Inputs with fewer channels are images, whose gradient is rarely used; computed by its own call, XLA removes it."""

FULL = 16
"""Number of channels that fill a vector register."""


class Activation(NamedTuple):
    """The activation after a layer.

    Attributes:
        relu: whether there is a ReLU.
        ceiling: its upper limit, such as 6 in ReLU6.
    """

    relu: bool
    ceiling: float | None = None


NOTHING, RELU, RELU6 = Activation(relu=False), Activation(relu=True), Activation(relu=True, ceiling=6.0)


def convolution(library: str, window: Window, x: Maps, filters: Filters) -> Maps:
    """A convolution.

    Args:
        library: key of loaded kernels.
        window: how it moves.
        x: float32.
        filters: float32.
    """
    return _convolution(library, window, *together(x, filters))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _convolution(library: str, window: Window, x: Maps, filters: Filters) -> Maps:
    return values(library, Forward(window), x, filters)[0]


def _convolution_back(library: str, window: Window, kept: tuple[Maps, Filters], dy: Maps) -> tuple[Maps, Filters]:
    x, filters = kept
    dx, dfilters, _ = gradients(library, Backward(window), x, filters, dy)
    return dx, dfilters


def _convolution_kept(library: str, window: Window, x: Maps, filters: Filters) -> tuple[Maps, tuple[Maps, Filters]]:
    return values(library, Forward(window), x, filters)[0], (x, filters)


_convolution.defvjp(_convolution_kept, _convolution_back)


def grouped_convolution(library: str, window: Window, x: Maps, filters: Filters, groups: int) -> Maps:
    """A grouped convolution: filters `[rows, columns, channels per group, filters of all groups]`.

    Small groups are merged until they fill vectors, with zero filters between them. Products with zeros cost less than
    nearly empty vectors: 32 groups of 4 channels took 16 ms merged, 32 ms separately. A value that is not finite in one
    group becomes NaN in the merged ones.

    Args:
        library: key of loaded kernels.
        window: how it moves.
        x: float32.
        filters: float32.
        groups: number of groups.
    """
    rows, columns, channels, _ = filters.shape
    together = max(n for n in range(1, groups + 1) if groups % n == 0 and (n == 1 or n * channels <= FULL))
    apart = filters.reshape(rows, columns, channels, groups // together, together, -1)
    joined = jnp.einsum("hwcptf,ts->hwpsctf", apart, jnp.eye(together))
    joined = joined.transpose(2, 0, 1, 3, 4, 5, 6).reshape(groups // together, rows, columns, together * channels, -1)
    parts = zip(jnp.split(x, groups // together, axis=-1), joined, strict=True)
    return jnp.concatenate([convolution(library, window, *part) for part in parts], axis=-1)


def finished_convolution(
    library: str, window: Window, x: Maps, filters: Filters, bias: Vector, addend: Maps | None, activation: Activation
) -> Maps:
    """A convolution with bias, addend and ReLU, for evaluation; its gradient is computed by XLA.

    Args:
        library: key of loaded kernels.
        window: how it moves.
        x: float32.
        filters: float32.
        bias: by filter.
        addend: of the result's shape.
        activation: what comes last.
    """
    call = Forward(window, relu=activation.relu, ceiling=activation.ceiling)
    return values(library, call, x, filters, bias=bias, addend=addend)[0]


def opened_convolution(library: str, window: Window, x: Maps, filters: Filters, scale: Vector, shift: Vector) -> Maps:
    """A convolution of relu(scale x + shift), for evaluation; its gradient is computed by XLA.

    Args:
        library: key of loaded kernels.
        window: how it moves.
        x: float32.
        filters: float32.
        scale: by channel.
        shift: by channel.
    """
    return values(library, Forward(window), x, filters, before=(scale, shift))[0]


def values(
    library: str,
    call: Forward,
    x: Maps,
    filters: Filters,
    *,
    before: tuple[Vector | None, Vector | None] = (None, None),
    bias: Vector | None = None,
    addend: Maps | None = None,
) -> Arrays:
    """Calls the forward kernel, with all optional inputs."""
    return called(library, call, (x, filters, *before, bias, addend))


def gradients(
    library: str,
    call: Backward,
    x: Maps,
    filters: Filters,
    dy: Maps,
    *,
    y: Maps | None = None,
    z: Maps | None = None,
    after: tuple[Vector | None, Vector | None, Vector | None] = (None, None, None),
) -> tuple[Maps, Filters, Maps | None]:
    """Gradients of input and filters, in one call or two; optionally the gradient after the mask of the activation."""
    arrays = (x, filters, None, None, dy, y, z, None, None, *after, None, None)
    if x.shape[-1] >= FEWEST_CHANNELS and filters.size <= FUSED_FILTERS:
        dx, dfilters, masked, *_ = called(library, call, arrays)
    else:
        dx, *_ = called(library, replace(call, to_filters=False, masked=False), arrays)
        _, dfilters, masked, *_ = called(library, replace(call, to_input=False), arrays)
    return dx, dfilters, masked
