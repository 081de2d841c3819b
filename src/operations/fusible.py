"""Decides which layers our own kernels support; XLA computes the others."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from flax import nnx

from ..layers.blocks import ConvNorm, ConvReLU, NormConv
from .window import Window, zeros_around

LARGEST = 2**24
"""The largest number of values of an image: each thread keeps a padded copy of one."""

DEEP_ALONE, DEEP_NORMALIZED = 512, 1024
"""From these numbers of channels on, XLA is faster at 1x1 convolutions of stride 1, which are matrix products: alone
(at batch 64 a step with 1024 channels takes .84 of the kernels' time), and with a normalization (.74 with 2048)."""

ACTIVATIONS = nnx.relu, nnx.relu6
"""If these are monkeypatched, layers have to call the replacements."""


def fusible(layer: ConvNorm | NormConv, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether kernels support convolution and normalization of a layer together, for maps of a shape and dtype."""
    norm = layer.norm
    if type(norm) is not nnx.BatchNorm or norm.axis_index_groups or norm.axis != -1:
        return False
    if jnp.dtype(norm.dtype or dtype) != jnp.dtype("float32"):
        return False
    return fusible_convolution(layer, shape, dtype, DEEP_NORMALIZED)


def fusible_convolution(layer: ConvReLU | ConvNorm | NormConv, shape: tuple[int, ...], dtype: Any, deep: int) -> bool:
    """Whether a layer's convolution is unmodified, in float32, not intercepted, and supported by kernels."""
    conv = layer.conv
    if type(conv) is not nnx.Conv or conv.mask is not None or (nnx.relu, nnx.relu6) != ACTIVATIONS:
        return False
    if hasattr(layer, "__captures__") or len(shape) != 4:
        return False
    numbers = {jnp.dtype(kind) for kind in (dtype, conv.kernel.dtype, conv.dtype) if kind is not None}
    if numbers != {jnp.dtype("float32")} or conv.feature_group_count * conv.kernel.shape[-2] != shape[-1]:
        return False
    window = window_of(conv, shape)
    return window is not None and taken(shape, conv.kernel.shape, window, deep)


def taken(x: tuple[int, ...], filters: tuple[int, ...], window: Window, deep: int) -> bool:
    """Whether kernels support a convolution: an ordinary or a depthwise one.

    Not supported are also 1x1 convolutions of `deep` or more channels, at which XLA is faster.
    """
    if filters[2] != x[-1] and not (filters[2] == 1 and filters[3] == x[-1]):
        return False
    if filters[:2] == (1, 1) and window.strides == (1, 1) and filters[2] >= deep:
        return False
    pads = [zeros for side in window.padding for zeros in side]
    sizes = (*x, *filters, *window.outputs(x, filters))
    return len(x) == 4 and min(sizes) > 0 and min(pads) >= 0 and x[1] * x[2] * x[3] <= LARGEST


def window_of(conv: nnx.Conv, shape: tuple[int, ...]) -> Window | None:
    """The window of a layer for maps of a shape; None if the padding is not zeros."""
    padding: Any = conv.padding
    if isinstance(padding, str) and padding not in ("SAME", "VALID"):
        return None
    if {*_pair(conv.input_dilation)} != {1}:
        return None
    if isinstance(padding, int):
        padding = ((padding, padding),) * 2
    elif not isinstance(padding, str):
        padding = [(side, side) if isinstance(side, int) else side for side in padding]
    return window_by(shape, conv.kernel.shape, _pair(conv.strides), padding, _pair(conv.kernel_dilation))


def some_window(conv: nnx.Conv, shape: tuple[int, ...]) -> Window:
    """The window of a layer that kernels support."""
    window = window_of(conv, shape)
    assert window is not None
    return window


def window_by(
    shape: tuple[int, ...],
    filters: tuple[int, ...],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Window:
    """A window with its padding in numbers."""
    seen = [(side - 1) * apart + 1 for side, apart in zip(filters[:2], dilation, strict=True)]
    pads = zeros_around(shape[1:3], seen, strides, padding)
    above, beside = ((int(before), int(after)) for before, after in pads)
    return Window((int(strides[0]), int(strides[1])), (above, beside), (int(dilation[0]), int(dilation[1])))


def _pair(value: int | Sequence[int] | None) -> tuple[int, int]:
    """Values for rows and columns; a single value counts for both."""
    if value is None or isinstance(value, int):
        return (value or 1, value or 1)
    return (value[0], value[1])
