"""Convolutions that are slow in XLA on the CPU, rewritten in a faster form.

Maps smaller than their filters: XLA swaps the two and then leaves its fast path. A 3x3 convolution of 512 channels on
2x2 pixels and its gradients take thirty times as long as the equivalent matrix product. Grouped convolutions: they and
their gradients take many times as long as one convolution per group. `python -m benchmarks.run layers` measures both.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Num

from .window import zeros_around


def convolution(
    images: Num[Array, "b *size c"],
    filters: Num[Array, "*window c_of_group out"],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    *,
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    feature_group_count: int,
    precision: Any,
    **more: Any,
) -> Num[Array, "b *out_size out"]:
    """`jax.lax.conv_general_dilated` for channels last; to be the attribute `conv_general_dilated` of an `nnx.Conv`.

    Args:
        images: maps.
        filters: in Flax's layout.
        strides: of the window.
        padding: `SAME`, `VALID` or numbers.
        lhs_dilation: dilation of the maps.
        rhs_dilation: dilation of the filters.
        feature_group_count: number of channel groups.
        precision: of products.
        more: other arguments from Flax.
    """
    how = {"lhs_dilation": lhs_dilation, "rhs_dilation": rhs_dilation, "precision": precision, **more}
    groups, (*window, channels, _) = feature_group_count, filters.shape
    if groups > 1 and channels > 1:  # depthwise convolutions are fast already
        parts = zip(jnp.split(images, groups, axis=-1), jnp.split(filters, groups, axis=-1), strict=True)
        found = [convolution(*part, strides, padding, feature_group_count=1, **how) for part in parts]
        return jnp.concatenate(found, axis=-1)
    dilated = {*lhs_dilation, *rhs_dilation} != {1}
    if groups == 1 and not dilated and math.prod(window) > math.prod(images.shape[1:-1]):
        return product(images, filters, strides, padding, precision, more.get("preferred_element_type"))
    return jax.lax.conv_general_dilated(images, filters, strides, padding, feature_group_count=groups, **how)


def product(
    images: Num[Array, "b *size c"],
    filters: Num[Array, "*window c out"],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    precision: Any,
    preferred_element_type: Any,
) -> Num[Array, "b *out_size out"]:
    """A convolution as a matrix product of patches and filters."""
    seen = patches(images, filters.shape[:-2], strides, padding)
    return jnp.einsum(
        "...kc,kco->...o",
        seen,
        filters.reshape(-1, *filters.shape[-2:]),
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def patches(
    images: Num[Array, "b *size c"],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
) -> Num[Array, "b *out_size k c"]:
    """The patch of each window, in the order of the filters' weights."""
    return jnp.stack(windows(images, window, strides, padding), axis=-2)


def windows(
    images: Num[Array, "b *size c"],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    outside: float = 0,
) -> list[Num[Array, "b *out_size c"]]:
    """For each position of the window, the values that it reads; `outside` is the padding value."""
    pads = zeros_around(images.shape[1:-1], window, strides, padding)
    padded = jnp.pad(images, [(0, 0), *pads, (0, 0)], constant_values=outside)
    steps = [
        (whole - side) // stride + 1 for whole, side, stride in zip(padded.shape[1:-1], window, strides, strict=True)
    ]
    places = [
        tuple(
            slice(at, at + (count - 1) * stride + 1, stride)
            for at, count, stride in zip(corner, steps, strides, strict=True)
        )
        for corner in itertools.product(*map(range, window))
    ]
    return [padded[(slice(None), *place)] for place in places]
