"""Convolutions by kernels: alone, with batch normalization, and as residual blocks; values and gradients."""

from functools import partial
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float

from src.operations.calls import Apply, Arrays, Backward, Forward, Sums, called
from src.operations.varying import together, total
from src.operations.window import Window

Maps = Float[Array, "_ _ _ _"]
"""Images, rows, columns, channels."""
Filters = Float[Array, "_ _ _ _"]
"""Rows, columns, channels, filters."""
Vector = Float[Array, "_"]
"""By channel or by filter."""

FUSED_FILTERS = 64 * 64 * 9
"""Up to so many values of filters, gradients of input and filters come from one call: both read the same gradient."""

FEWEST_CHANNELS = 8
"""Inputs with fewer are images, whose gradient is mostly not asked for; XLA leaves out a call that gives only that."""


class Norm(NamedTuple):
    """A convolution's window and the batch normalization behind it.

    Attributes:
        window: of the convolution.
        epsilon: is added to the variance.
        axis: of the devices that share their statistics, if they do.
    """

    window: Window
    epsilon: float
    axis: str | None = None


class Moments(NamedTuple):
    """Mean and biased variance by channel."""

    mean: Vector
    variance: Vector


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
    return _values(library, Forward(window), x, filters)[0]


def _convolution_back(library: str, window: Window, kept: tuple[Maps, Filters], dy: Maps) -> tuple[Maps, Filters]:
    x, filters = kept
    dx, dfilters, *_ = _gradients(library, window, x, filters, dy)
    return dx, dfilters


_convolution.defvjp(lambda library, window, *kept: (_convolution(library, window, *kept), kept), _convolution_back)


def finished_convolution(
    library: str, window: Window, x: Maps, filters: Filters, bias: Vector, addend: Maps | None, *, relu: bool
) -> Maps:
    """A convolution with bias, addend and ReLU, for evaluation: its gradient is XLA's.

    Args:
        library: key of loaded kernels.
        window: how it moves.
        x: float32.
        filters: float32.
        bias: by filter.
        addend: of the result's shape.
        relu: whether there is one.
    """
    return _values(library, Forward(window, relu=relu), x, filters, bias=bias, addend=addend)[0]


def convolution_norm(
    library: str, norm: Norm, x: Maps, filters: Filters, scale: Vector, bias: Vector, addend: Maps | None, *, relu: bool
) -> tuple[Maps, Moments]:
    """A convolution, batch normalization by the batch's own moments, an addend, and ReLU.

    Args:
        library: key of loaded kernels.
        norm: window and normalization.
        x: float32.
        filters: float32.
        scale: of the normalization.
        bias: of the normalization.
        addend: of the result's shape.
        relu: whether there is one.

    Returns:
        The result, and the moments before the normalization.
    """
    x, filters, scale, bias = together(x, filters, scale, bias)
    return _convolution_norm(library, norm, relu, x, filters, scale, bias, addend)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _convolution_norm(
    library: str, norm: Norm, relu: bool, x: Maps, filters: Filters, scale: Vector, bias: Vector, addend: Maps | None
) -> tuple[Maps, Moments]:
    return _convolution_norm_kept(library, norm, relu, x, filters, scale, bias, addend)[0]


def _convolution_norm_kept(
    library: str, norm: Norm, relu: bool, x: Maps, filters: Filters, scale: Vector, bias: Vector, addend: Maps | None
) -> tuple[tuple[Maps, Moments], Arrays]:
    z, *own = _values(library, Forward(norm.window, moments=True), x, filters)
    moments = shared(Moments(*own), norm.axis)
    by, shift = applied(norm, moments, scale, bias)
    (y,) = called(library, Apply(relu), (z, by, shift, addend))
    return (y, moments), (x, filters, scale, z, y if relu else None, addend, *moments)


def _convolution_norm_back(
    library: str, norm: Norm, relu: bool, kept: Arrays, cotangents: tuple[Maps, Moments]
) -> Arrays:
    x, filters, scale, z, y, addend, *moments = kept
    dy, dmoments = cotangents
    sums = called(library, Sums(), (z, y, dy, moments[0]))
    after, dscale, dbias = normalized(norm, Moments(*moments), scale, z, sums, dmoments)
    dx, dfilters, masked, *_ = _gradients(
        library, norm.window, x, filters, dy, y=y, z=z, after=after, masked=relu and addend is not None
    )
    daddend = None if addend is None else masked if relu else dy
    return dx, dfilters, dscale, dbias, daddend


_convolution_norm.defvjp(_convolution_norm_kept, _convolution_norm_back)


class Block(NamedTuple):
    """A residual block.

    Attributes:
        first: its first convolution and normalization.
        second: the second.
        identity: whether its input is added; else what is given besides, if anything.
    """

    first: Norm
    second: Norm
    identity: bool


class Half(NamedTuple):
    """What one convolution of a residual block is given."""

    filters: Filters
    scale: Vector
    bias: Vector


def residual_block(
    library: str, block: Block, x: Maps, one: Half, two: Half, shortcut: Maps | None
) -> tuple[Maps, Moments, Moments]:
    """relu(norm(conv(relu(norm(conv(x))))) + shortcut): what lies between the two convolutions is never written.

    Args:
        library: key of loaded kernels.
        block: windows and normalizations, and whether x is added.
        x: float32.
        one: of the first convolution.
        two: of the second.
        shortcut: what is added, unless x is; None for nothing.

    Returns:
        The result, and the moments of both convolutions.
    """
    x, *parts = together(x, *one, *two)
    return _residual_block(library, block, x, Half(*parts[:3]), Half(*parts[3:]), shortcut)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _residual_block(
    library: str, block: Block, x: Maps, one: Half, two: Half, shortcut: Maps | None
) -> tuple[Maps, Moments, Moments]:
    return _residual_block_kept(library, block, x, one, two, shortcut)[0]


def _residual_block_kept(
    library: str, block: Block, x: Maps, one: Half, two: Half, shortcut: Maps | None
) -> tuple[tuple[Maps, Moments, Moments], tuple[Any, ...]]:
    z1, *own = _values(library, Forward(block.first.window, moments=True), x, one.filters)
    moments1 = shared(Moments(*own), block.first.axis)
    opened = applied(block.first, moments1, one.scale, one.bias)
    z2, *own = _values(library, Forward(block.second.window, moments=True), z1, two.filters, before=opened)
    moments2 = shared(Moments(*own), block.second.axis)
    addend = x if block.identity else shortcut
    (y,) = called(library, Apply(relu=True), (z2, *applied(block.second, moments2, two.scale, two.bias), addend))
    return (y, moments1, moments2), (x, one, two, shortcut, z1, z2, y, moments1, moments2)


def _residual_block_back(
    library: str, block: Block, kept: tuple[Any, ...], cotangents: tuple[Maps, Moments, Moments]
) -> tuple[Maps, Half, Half, Maps | None]:
    x, one, two, shortcut, z1, z2, y, moments1, moments2 = kept
    dy, dmoments1, dmoments2 = cotangents
    opened = applied(block.first, moments1, one.scale, one.bias)
    sums = called(library, Sums(), (z2, y, dy, moments2.mean))
    after, dscale2, dbias2 = normalized(block.second, moments2, two.scale, z2, sums, dmoments2)
    dz, dfilters2, masked, *sums1 = called(
        library,
        Backward(block.second.window, masked=block.identity or shortcut is not None, sums=True),
        (z1, two.filters, *opened, dy, y, z2, None, None, *after, None, moments1.mean),
    )
    after, dscale1, dbias1 = normalized(block.first, moments1, one.scale, z1, tuple(sums1), dmoments1)
    addend = masked if block.identity else None
    dx, dfilters1, *_ = called(
        library,
        Backward(block.first.window),
        (x, one.filters, None, None, dz, None, z1, *opened, *after, addend, None),
    )
    daddend = None if shortcut is None else masked
    return dx, Half(dfilters1, dscale1, dbias1), Half(dfilters2, dscale2, dbias2), daddend


_residual_block.defvjp(_residual_block_kept, _residual_block_back)


def shared(moments: Moments, axis: str | None) -> Moments:
    """Moments over the batches of all devices, which are equally large."""
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
        norm: its constants.
        moments: over all devices.
        scale: of it.
        z: what was normalized, here.
        sums: of the gradient and of its products with z - mean, here.
        dmoments: cotangents of the moments.

    Returns:
        What the gradient of z is: a multiple of the gradient, one of z, and a constant; gradients of scale and bias.
    """
    count = z.size // z.shape[-1]
    slope = jax.lax.rsqrt(moments.variance + norm.epsilon)
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


def _values(
    library: str,
    call: Forward,
    x: Maps,
    filters: Filters,
    *,
    before: tuple[Vector | None, Vector | None] = (None, None),
    bias: Vector | None = None,
    addend: Maps | None = None,
) -> Arrays:
    return called(library, call, (x, filters, *before, bias, addend))


def _gradients(
    library: str,
    window: Window,
    x: Maps,
    filters: Filters,
    dy: Maps,
    *,
    y: Maps | None = None,
    z: Maps | None = None,
    after: tuple[Vector | None, Vector | None, Vector | None] = (None, None, None),
    masked: bool = False,
) -> Arrays:
    """Gradients of input and filters, in one call or in two."""
    arrays = (x, filters, None, None, dy, y, z, None, None, *after, None, None)
    if x.shape[-1] >= FEWEST_CHANNELS and filters.size <= FUSED_FILTERS:
        return called(library, Backward(window, masked=masked), arrays)
    dx, *_ = called(library, Backward(window, to_filters=False), arrays)
    _, dfilters, passed, *_ = called(library, Backward(window, to_input=False, masked=masked), arrays)
    return dx, dfilters, passed, None, None
