"""Convolutions of maps that are smaller than their filters, as one product of matrices.

XLA swaps filters and map of such a convolution, and on the CPU what comes out is far from its fast path: a 3x3
convolution of 512 channels on 2x2 pixels takes a hundred times as long. Patches times filters are the same numbers.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Num


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
    size, window = images.shape[1:-1], filters.shape[:-2]
    if math.prod(window) <= math.prod(size) or {*lhs_dilation, *rhs_dilation} != {1}:
        return jax.lax.conv_general_dilated(
            images, filters, strides, padding, lhs_dilation=lhs_dilation, rhs_dilation=rhs_dilation,
            feature_group_count=feature_group_count, precision=precision, **more,
        )  # fmt: skip
    seen = patches(images, window, strides, padding)
    groups, (*_, own, out) = feature_group_count, filters.shape
    product = jnp.einsum(
        "...kgc,kcgo->...go",
        seen.reshape(*seen.shape[:-1], groups, own),
        filters.reshape(-1, own, groups, out // groups),
        precision=precision,
        preferred_element_type=more.get("preferred_element_type"),
    )
    return product.reshape(*product.shape[:-2], out)


def patches(
    images: Num[Array, "b *size c"],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
) -> Num[Array, "b *out_size k c"]:
    """What each window sees, its places in the order of the filters' weights."""
    size = images.shape[1:-1]
    pads = jax.lax.padtype_to_pads(size, window, strides, padding) if isinstance(padding, str) else padding
    padded = jnp.pad(images, [(0, 0), *pads, (0, 0)])
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
    return jnp.stack([padded[(slice(None), *place)] for place in places], axis=-2)
