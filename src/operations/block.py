"""Residual blocks of two convolutions, with gradients."""

from functools import partial
from typing import Any, NamedTuple

import jax

from .arrays import Maps
from .calls import Apply, Backward, Forward, Sums, called
from .convolution import values
from .norm import Moments, Norm, Weights, applied, normalized, shared
from .varying import together


class Block(NamedTuple):
    """A residual block.

    Attributes:
        first: its first convolution and normalization.
        second: the second.
        identity: whether the shortcut is the input; else it is a separate array, or absent.
    """

    first: Norm
    second: Norm
    identity: bool


def residual_block(
    library: str, block: Block, x: Maps, one: Weights, two: Weights, shortcut: Maps | None
) -> tuple[Maps, Moments, Moments]:
    """relu(norm(conv(relu(norm(conv(x))))) + shortcut), without writing the values between the convolutions to memory.

    Args:
        library: key of the loaded kernels.
        block: windows, normalizations and kind of shortcut.
        x: float32.
        one: weights of the first convolution.
        two: weights of the second.
        shortcut: the array to add, if it is not x; None for none.

    Returns:
        The output, and the moments of both convolutions.
    """
    x, *parts = together(x, *one, *two)
    return _residual_block(library, block, x, Weights(*parts[:3]), Weights(*parts[3:]), shortcut)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _residual_block(
    library: str, block: Block, x: Maps, one: Weights, two: Weights, shortcut: Maps | None
) -> tuple[Maps, Moments, Moments]:
    return _residual_block_kept(library, block, x, one, two, shortcut)[0]


def _residual_block_kept(
    library: str, block: Block, x: Maps, one: Weights, two: Weights, shortcut: Maps | None
) -> tuple[tuple[Maps, Moments, Moments], tuple[Any, ...]]:
    z1, *own = values(library, Forward(block.first.window, moments=True), x, one.filters)
    moments1 = shared(Moments(*own), block.first.axis)
    opened = applied(block.first, moments1, one.scale, one.bias)
    z2, *own = values(library, Forward(block.second.window, moments=True), z1, two.filters, before=opened)
    moments2 = shared(Moments(*own), block.second.axis)
    addend = x if block.identity else shortcut
    (y,) = called(library, Apply(relu=True), (z2, *applied(block.second, moments2, two.scale, two.bias), addend))
    return (y, moments1, moments2), (x, one, two, shortcut, z1, z2, y, moments1, moments2)


def _residual_block_back(
    library: str, block: Block, kept: tuple[Any, ...], cotangents: tuple[Maps, Moments, Moments]
) -> tuple[Maps, Weights, Weights, Maps | None]:
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
    return dx, Weights(dfilters1, dscale1, dbias1), Weights(dfilters2, dscale2, dbias2), daddend


_residual_block.defvjp(_residual_block_kept, _residual_block_back)
