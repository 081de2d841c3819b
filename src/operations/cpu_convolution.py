"""Convolutions that XLA compiles badly for the CPU, written in a form that it compiles well.

Maps smaller than their filters: XLA swaps the two, and what comes out leaves its fast path; a 3x3 convolution of 512
channels on 2x2 pixels and its gradients take thirty times as long as the product of matrices that it is. Groups of
channels: they and their gradients take many times as long as one convolution for each group. `python -m benchmarks.run
layers` measures both.
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
    """What `jax.lax.conv_general_dilated` gives for channels that come last; to be the attribute of an `nnx.Conv`.

    Args:
        images: maps.
        filters: as Flax keeps them.
        strides: of the window.
        padding: `SAME`, `VALID` or numbers.
        lhs_dilation: of the maps.
        rhs_dilation: of the filters.
        feature_group_count: groups of channels.
        precision: of products.
        more: what else Flax hands on.
    """
    how = {"lhs_dilation": lhs_dilation, "rhs_dilation": rhs_dilation, "precision": precision, **more}
    groups, (*window, channels, _) = feature_group_count, filters.shape
    if groups > 1 and channels > 1:  # what is depthwise is fast as it is
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
    """A convolution as a product of what each window sees and all filters."""
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
    """What each window sees, its places in the order of the filters' weights."""
    return jnp.stack(windows(images, window, strides, padding), axis=-2)


def windows(
    images: Num[Array, "b *size c"],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    outside: float = 0,
) -> list[Num[Array, "b *out_size c"]]:
    """What every place of a window sees, one array for each; outside the images there is what is said."""
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
