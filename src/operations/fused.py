"""Layers that use our own kernels, fused where intermediate values are not needed.

Networks consist of ordinary layers; `use_kernels` replaces these.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Num

from ..layers.blocks import ConvNorm, ConvNormReLU, ConvNormReLU6, ConvReLU, Identity, NormConv
from ..layers.pooling import AveragePool, MaxPool
from ..layers.residual import Block
from .block import Block as BlockOfTwo
from .block import residual_block
from .conv_norm import convolution_norm, norm_convolution
from .convolution import (
    FEWEST_CHANNELS,
    FUSED_FILTERS,
    NOTHING,
    RELU,
    RELU6,
    Activation,
    grouped_convolution,
)
from .convolution import convolution as own_convolution
from .cpu_convolution import convolution as xla_convolution
from .fixed_norm import finished_convolution, opened_convolution
from .fusible import DEEP_ALONE, fusible, fusible_convolution, some_window, taken, window_by
from .library import Library
from .norm import Moments, Norm, Weights, applied
from .own_pooling import average_pool, max_pool


def use_kernels(module: nnx.Module, library: str) -> None:
    """Makes all layers of a network use kernels where there are any for them.

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
        elif isinstance(part, MaxPool):
            part.max_pool = partial(max_pool, library)
        elif isinstance(part, AveragePool):
            part.average_pool = partial(average_pool, library)


def with_kernels(module: nnx.Module, library: Library | None) -> nnx.Module | None:
    """A copy of a network that uses kernels; None without kernels."""
    if library is None:
        return None
    fast = nnx.clone(module)
    use_kernels(fast, library.key)
    return fast


class FusedConvReLU(ConvReLU):
    """A fused convolution with bias and ReLU."""

    kernels: str

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        conv = self.conv
        if conv.bias is None or not fusible_convolution(self, x.shape, x.dtype, DEEP_ALONE):
            return super().__call__(x)
        window = some_window(conv, x.shape)
        return finished_convolution(self.kernels, window, RELU, x, conv.kernel[...], conv.bias[...])


class FusedConvNorm(ConvNorm):
    """A fused convolution and batch normalization, with the activation after them."""

    kernels: str
    activation: ClassVar[Activation] = NOTHING

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        if fusible(self, x.shape, x.dtype):
            return computed(self.kernels, self, x, self.activation)
        return super().__call__(x)


class FusedConvNormReLU(FusedConvNorm, ConvNormReLU):
    """With ReLU."""

    activation = RELU


class FusedConvNormReLU6(FusedConvNorm, ConvNormReLU6):
    """With ReLU6."""

    activation = RELU6


class FusedNormConv(NormConv):
    """A fused batch normalization, ReLU and convolution."""

    kernels: str

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        if self.conv.bias is None and fusible(self, x.shape, x.dtype):
            return computed_after(self.kernels, self, x)
        return super().__call__(x)


class FusedBlock(Block):
    """A residual block that does not write the values between its convolutions to memory."""

    kernels: str

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        one, two, shortcut = self.conv1, self.conv2, self.shortcut
        if not (type(one) is type(two) is FusedConvNorm and fusible(one, x.shape, x.dtype)):
            return super().__call__(x)
        between = norm_of(one, x.shape).window.outputs(x.shape, one.conv.kernel.shape)
        if not fusible(two, between, x.dtype):
            return super().__call__(x)
        identity = type(shortcut) is Identity
        added = None if shortcut is None else x if identity else shortcut(x)
        if not pays_as_block(one, two):
            h = computed(self.kernels, one, x, RELU)
            return computed(self.kernels, two, h, RELU, addend=added)
        block = BlockOfTwo(norm_of(one, x.shape), norm_of(two, between), identity)
        y, *moments = residual_block(
            self.kernels, block, x, weights_of(one), weights_of(two), None if identity else added
        )
        for layer, found in zip((one, two), moments, strict=True):
            remember(layer, found)
        return y


FUSED: dict[type, type] = {
    ConvReLU: FusedConvReLU,
    ConvNorm: FusedConvNorm,
    ConvNormReLU: FusedConvNormReLU,
    ConvNormReLU6: FusedConvNormReLU6,
    NormConv: FusedNormConv,
    Block: FusedBlock,
}


def convolution(
    library: str,
    images: Num[Array, "b *size c"],
    filters: Num[Array, "*window c_of_group out"],
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    **how: Any,
) -> Num[Array, "b *out_size out"]:
    """A convolution by kernels if they support it; to be the attribute `conv_general_dilated` of an `nnx.Conv`.

    Args:
        library: key of loaded kernels.
        images: maps.
        filters: as Flax keeps them.
        strides: of the window.
        padding: `SAME`, `VALID` or numbers.
        how: other arguments from Flax.
    """
    groups = how["feature_group_count"]
    plain = {*how["lhs_dilation"]} == {1} and images.dtype == jnp.float32
    fits = images.shape[-1] == groups * filters.shape[-2]
    if plain and fits and filters.ndim == 4 and filters.dtype == jnp.float32 and not how.get("preferred_element_type"):
        window = window_by(images.shape, filters.shape, strides, padding, how["rhs_dilation"])
        if taken(images.shape, filters.shape, window, DEEP_ALONE):
            return own_convolution(library, window, images, filters)
        of_group = (*images.shape[:-1], filters.shape[2]), (*filters.shape[:3], filters.shape[3] // groups)
        if taken(*of_group, window, DEEP_ALONE):
            return grouped_convolution(library, window, images, filters, groups)
    return xla_convolution(images, filters, strides, padding, **how)


def computed(
    library: str,
    layer: ConvNorm,
    x: Float[Array, "b h w c"],
    activation: Activation,
    addend: Float[Array, "b h2 w2 d"] | None = None,
) -> Float[Array, "b h2 w2 d"]:
    """The output of a fusible layer, by running statistics, or by the batch's moments, which update them."""
    norm, own, constants = layer.norm, weights_of(layer), norm_of(layer, x.shape)
    if norm.use_running_average:
        running = Moments(norm.mean[...] - bias_of(layer.conv), norm.var[...])
        by, shift = applied(constants, running, own.scale, own.bias)
        folded = own.filters * by
        return finished_convolution(library, constants.window, activation, x, folded, shift, addend)
    y, moments = convolution_norm(library, constants, activation, x, own, addend)
    remember(layer, moments)
    return y


def computed_after(library: str, layer: NormConv, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
    """The output of a fusible normalization, ReLU and convolution."""
    norm, own, constants = layer.norm, weights_of(layer), norm_of(layer, x.shape)
    if norm.use_running_average:
        before = applied(constants, Moments(norm.mean[...], norm.var[...]), own.scale, own.bias)
        return opened_convolution(library, constants.window, x, own.filters, *before)
    y, moments = norm_convolution(library, constants, x, own)
    remember(layer, moments)
    return y


def pays_as_block(*layers: ConvNorm) -> bool:
    """Whether fusing a residual block is faster: in training, and if the filters fit the cache."""
    small = all(layer.conv.kernel.size <= FUSED_FILTERS for layer in layers)
    training = not any(layer.norm.use_running_average for layer in layers)
    return training and small and layers[0].conv.in_features >= FEWEST_CHANNELS


def norm_of(layer: ConvNorm | NormConv, shape: tuple[int, ...]) -> Norm:
    """Window and normalization of a fusible layer."""
    return Norm(some_window(layer.conv, shape), layer.norm.epsilon, layer.norm.axis_name)


def weights_of(layer: ConvNorm | NormConv) -> Weights:
    """Filters, scale and bias; 1 and 0 where the normalization has none."""
    norm, filters = layer.norm, layer.conv.kernel[...]
    ones = jnp.ones(norm.num_features)
    scale = ones if norm.scale is None else norm.scale[...]
    return Weights(filters, scale, 0 * ones if norm.bias is None else norm.bias[...])


def remember(layer: ConvNorm | NormConv, moments: Moments) -> None:
    """Updates the running statistics, as Flax does.

    The normalization cancels the bias of a convolution, so only the running mean depends on it.
    """
    norm = layer.norm
    for kept, found in ((norm.mean, moments.mean + bias_of(layer.conv)), (norm.var, moments.variance)):
        kept[...] = norm.momentum * kept[...] + (1 - norm.momentum) * found


def bias_of(conv: nnx.Conv) -> Array | float:
    """The bias, or 0."""
    return 0.0 if conv.bias is None else conv.bias[...]
