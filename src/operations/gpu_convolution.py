"""Convolutions with few filters, written in a form that GPUs compute fast.

Their matrix units work on dozens of filters at a time, and 16 of them leave most of a unit idle. So the same filters
are laid out for four neighbouring pixels side by side: 64 filters in a window that is three pixels wider, which moves
on by four pixels. That is twice the work of a 3x3 convolution, in two thirds of its time.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Num

from .window import zeros_around

NARROW = 16
"""The most filters that are laid out side by side."""

PIXELS = 4
"""So many pixels are computed at once."""


def convolution(
    images: Num[Array, "b *size c"],
    filters: Num[Array, "*window c_of_group out"],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    **how: Any,
) -> Num[Array, "b *out_size out"]:
    """What `jax.lax.conv_general_dilated` gives for channels that come last; to be the attribute of an `nnx.Conv`.

    Args:
        images: maps.
        filters: as Flax keeps them.
        strides: of the window.
        padding: `SAME`, `VALID` or numbers.
        how: what else Flax hands on.
    """
    size, window = images.shape[1:-1], filters.shape[:-2]
    pads = zeros_around(size, window, strides, padding)
    if not _pays(size, filters, strides, pads, **how):
        return jax.lax.conv_general_dilated(images, filters, strides, padding, **how)
    found = jax.lax.conv_general_dilated(images, side_by_side(filters), (1, PIXELS), pads, **how)
    return found.reshape(*found.shape[:2], -1, filters.shape[-1])


def side_by_side(filters: Num[Array, "h w c out"]) -> Num[Array, "h wide c outs"]:
    """Filters at each of several places beside each other in a wider window, the place before the filter."""
    at_places = [jnp.pad(filters, ((0, 0), (at, PIXELS - 1 - at), (0, 0), (0, 0))) for at in range(PIXELS)]
    return jnp.stack(at_places, axis=3).reshape(len(filters), -1, filters.shape[2], PIXELS * filters.shape[3])


def _pays(
    size: Sequence[int],
    filters: Array,
    strides: Sequence[int],
    pads: Sequence[tuple[int, int]],
    *,
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    feature_group_count: int,
    **more: Any,
) -> bool:
    """Whether a convolution has few filters, of several pixels' width, at every pixel of rows that divide evenly."""
    *window, _, outputs = filters.shape
    usual = feature_group_count == 1 and {*strides, *lhs_dilation, *rhs_dilation} == {1}
    if len(window) != 2 or outputs > NARROW or window[1] == 1 or not usual:
        return False
    return (size[1] + sum(pads[1]) - window[1] + 1) % PIXELS == 0
