"""Convolutions by our own kernels, with gradients."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import register_static

from .arrays import Filters, Maps, Vector
from .calls import Arrays, Backward, Forward, called, passed
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


@register_static
@dataclass(frozen=True)
class Wanted:
    """Which gradients are asked for; pictures change by that of the input alone, so weights are not differentiated.

    Attributes:
        input: that of the maps.
        weights: those of the parameters.
    """

    input: bool = True
    weights: bool = True


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


def _convolution_kept(library: str, window: Window, x: Any, filters: Any) -> tuple[Maps, tuple[Any, ...]]:
    wanted = Wanted(x.perturbed, filters.perturbed)
    return values(library, Forward(window), x.value, filters.value)[0], (x.value, filters.value, wanted)


def _convolution_back(library: str, window: Window, kept: tuple[Any, ...], dy: Maps) -> Arrays:
    x, filters, wanted = kept
    dx, dfilters, _ = gradients(library, Backward(window), x, filters, dy, wanted=wanted)
    return dx, dfilters


_convolution.defvjp(_convolution_kept, _convolution_back, symbolic_zeros=True)


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
    wanted: Wanted = Wanted(),
) -> Arrays:
    """Gradients of input and filters, in one call or two, and the incoming one after its mask if `call` gives that."""
    arrays = (x, filters, None, None, dy, y, z, None, None, *after, None, None)
    if not (wanted.input or wanted.weights):
        return None, None, passed(dy, y, call.ceiling) if call.masked else None
    one = replace(call, to_input=wanted.input, to_filters=wanted.weights)
    if one != call or (x.shape[-1] >= FEWEST_CHANNELS and filters.size <= FUSED_FILTERS):
        dx, dfilters, masked, *_ = called(library, one, arrays)
    else:
        dx, *_ = called(library, replace(call, to_filters=False, masked=False), arrays)
        _, dfilters, masked, *_ = called(library, replace(call, to_input=False), arrays)
    return dx, dfilters, masked
