"""Layers that compute by kernels of our own, fused where nobody looks inside.

A network is made of the usual layers and knows of nothing; `use_kernels` puts these in their places.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Num

from src.models.blocks import ConvNorm, ConvNormReLU, Identity
from src.models.cpu_convolution import convolution as xla_convolution
from src.models.resnet_cifar import Block
from src.operations import convolution as operations
from src.operations.convolution import FEWEST_CHANNELS, FUSED_FILTERS, Half, Moments, Norm
from src.operations.window import Window, zeros_around

LARGEST = 2**24
"""The most values of an image: threads keep a padded copy of one."""

DEEP_ALONE, DEEP_NORMALIZED = 512, 1024
"""From so many channels on, XLA is the faster one at 1x1 windows in single steps, which are products of matrices: alone
(at batch 64 a step with 1024 channels takes .84 of the kernels' time), and with a normalization (.74 with 2048)."""

relu = nnx.relu
"""Whoever puts another function in its place wants it to be called."""


def use_kernels(module: nnx.Module, library: str) -> None:
    """Makes all layers of a network that kernels are there for compute by them.

    Args:
        module: the network.
        library: key of loaded kernels.
    """
    for _, part in nnx.iter_modules(module):
        if type(part) in FUSED:
            part.__class__ = FUSED[type(part)]
            setattr(part, "kernels", library)  # noqa: B010
        elif type(part) is nnx.Conv:
            part.conv_general_dilated = partial(convolution, library)


class FusedConvNorm(ConvNorm):
    """A convolution and batch normalization in one."""

    kernels: str

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return computed(self.kernels, self, x, relu=False) if fusible(self, x.shape, x.dtype) else super().__call__(x)


class FusedConvNormReLU(ConvNormReLU):
    """A convolution, batch normalization and ReLU in one."""

    kernels: str

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return computed(self.kernels, self, x, relu=True) if fusible(self, x.shape, x.dtype) else super().__call__(x)


class FusedBlock(Block):
    """A residual block whose values between its convolutions are never written."""

    kernels: str

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        one, two, shortcut = self.conv1, self.conv2, self.shortcut
        if not (isinstance(one, FusedConvNorm) and isinstance(two, FusedConvNorm) and fusible(one, x.shape, x.dtype)):
            return super().__call__(x)
        between = norm_of(one, x.shape).window.outputs(x.shape, one.conv.kernel.shape)
        if not fusible(two, between, x.dtype):
            return super().__call__(x)
        identity = type(shortcut) is Identity
        added = None if shortcut is None else x if identity else shortcut(x)
        if not pays_as_block(one, two):
            h = computed(self.kernels, one, x, relu=True)
            return computed(self.kernels, two, h, relu=True, addend=added)
        block = operations.Block(norm_of(one, x.shape), norm_of(two, between), identity)
        y, *moments = operations.residual_block(
            self.kernels, block, x, half(one), half(two), None if identity else added
        )
        for layer, found in zip((one, two), moments, strict=True):
            remember(layer.norm, found)
        return y


FUSED: dict[type, type] = {ConvNorm: FusedConvNorm, ConvNormReLU: FusedConvNormReLU, Block: FusedBlock}


def convolution(
    library: str,
    images: Num[Array, "b *size c"],
    filters: Num[Array, "*window c_of_group out"],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    **how: Any,
) -> Num[Array, "b *out_size out"]:
    """A convolution as Flax asks for it, by kernels if they take it; to be the attribute of an `nnx.Conv`.

    Args:
        library: key of loaded kernels.
        images: maps.
        filters: as Flax keeps them.
        strides: of the window.
        padding: `SAME`, `VALID` or numbers.
        how: what else Flax hands on.
    """
    plain = how["feature_group_count"] == 1 and {*how["lhs_dilation"]} == {1} and images.dtype == jnp.float32
    if plain and filters.ndim == 4 and filters.dtype == jnp.float32 and not how.get("preferred_element_type"):
        window = window_by(images.shape, filters.shape, strides, padding, how["rhs_dilation"])
        if taken(images.shape, filters.shape, window, DEEP_ALONE):
            return operations.convolution(library, window, images, filters)
    return xla_convolution(images, filters, strides, padding, **how)


def computed(
    library: str,
    layer: ConvNorm,
    x: Float[Array, "b h w c"],
    *,
    relu: bool,
    addend: Float[Array, "b h2 w2 d"] | None = None,
) -> Float[Array, "b h2 w2 d"]:
    """A layer that is fusible: by the batch's statistics, which are remembered, or by those that are."""
    norm, own, constants = layer.norm, half(layer), norm_of(layer, x.shape)
    if norm.use_running_average:
        by, shift = operations.applied(constants, Moments(norm.mean[...], norm.var[...]), own.scale, own.bias)
        folded = own.filters * by
        return operations.finished_convolution(library, constants.window, x, folded, shift, addend, relu=relu)
    y, moments = operations.convolution_norm(library, constants, x, *own, addend, relu=relu)
    remember(norm, moments)
    return y


def fusible(layer: ConvNorm, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether a layer is just what its maker made, in float32, its parts are not looked at, and kernels take it."""
    conv, norm = layer.conv, layer.norm
    if type(conv) is not nnx.Conv or type(norm) is not nnx.BatchNorm or nnx.relu is not relu:
        return False
    if hasattr(layer, "__captures__") or conv.bias is not None or conv.mask is not None or norm.axis_index_groups:
        return False
    numbers = {jnp.dtype(kind) for kind in (dtype, conv.kernel.dtype, conv.dtype, norm.dtype) if kind is not None}
    if numbers != {jnp.dtype("float32")} or len(shape) != 4 or conv.feature_group_count != 1 or norm.axis != -1:
        return False
    window = window_of(conv, shape)
    return window is not None and taken(shape, conv.kernel.shape, window, DEEP_NORMALIZED)


def taken(x: tuple[int, ...], filters: tuple[int, ...], window: Window, deep: int) -> bool:
    """Whether kernels take a convolution; whatever they do not take, XLA does: products of matrices that are deep."""
    if filters[:2] == (1, 1) and window.strides == (1, 1) and filters[2] >= deep:
        return False
    pads = [zeros for side in window.padding for zeros in side]
    sizes = (*x, *filters, *window.outputs(x, filters))
    return len(x) == 4 and min(sizes) > 0 and min(pads) >= 0 and x[1] * x[2] * x[3] <= LARGEST


def pays_as_block(*layers: ConvNorm) -> bool:
    """Whether a residual block is best computed as one: in training, and with filters that stay in the cache."""
    small = all(layer.conv.kernel.size <= FUSED_FILTERS for layer in layers)
    training = not any(layer.norm.use_running_average for layer in layers)
    return training and small and layers[0].conv.in_features >= FEWEST_CHANNELS


def window_of(conv: nnx.Conv, shape: tuple[int, ...]) -> Window | None:
    """How a layer's window moves over maps of a shape; none where it pads with something else than zeros."""
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


def window_by(
    shape: tuple[int, ...],
    filters: tuple[int, ...],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Window:
    """A window whose padding is said in numbers."""
    seen = [(side - 1) * apart + 1 for side, apart in zip(filters[:2], dilation, strict=True)]
    pads = zeros_around(shape[1:3], seen, strides, padding)
    above, beside = ((int(before), int(after)) for before, after in pads)
    return Window((int(strides[0]), int(strides[1])), (above, beside), (int(dilation[0]), int(dilation[1])))


def norm_of(layer: ConvNorm, shape: tuple[int, ...]) -> Norm:
    """Window and normalization of a layer that is fusible."""
    window = window_of(layer.conv, shape)
    assert window is not None
    return Norm(window, layer.norm.epsilon, layer.norm.axis_name)


def half(layer: ConvNorm) -> Half:
    """Filters, scale and bias, with those that a normalization does without."""
    norm, filters = layer.norm, layer.conv.kernel[...]
    ones = jnp.ones(filters.shape[-1])
    scale = ones if norm.scale is None else norm.scale[...]
    return Half(filters, scale, 0 * ones if norm.bias is None else norm.bias[...])


def remember(norm: nnx.BatchNorm, moments: Moments) -> None:
    """Moves the running statistics, as Flax does."""
    for kept, found in ((norm.mean, moments.mean), (norm.var, moments.variance)):
        kept[...] = norm.momentum * kept[...] + (1 - norm.momentum) * found


def _pair(value: int | Sequence[int] | None) -> tuple[int, int]:
    """The same for rows and columns, unless both are said."""
    if value is None or isinstance(value, int):
        return (value or 1, value or 1)
    return (value[0], value[1])
