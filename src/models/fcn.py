"""Fully convolutional networks: a network for classes whose dense layers are convolutions, and classes at every pixel.

Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation (2015, arXiv:1411.4038); the body is
that of VGG (arXiv:1409.1556).
"""

from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field

from ..layers.blocks import ConvNorm, he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import MaxPool
from .base import ImageShape, ModelSettings, Published, check_size
from .sizes import Channels, Count, Side

STAGES = 5
Stages = Field(min_length=STAGES, max_length=STAGES)


class FCNSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        stride: of the finest maps whose classes are added before they are enlarged: 32 takes the last maps alone, 16
            adds those before the last pooling, 8 those before the last but one.
        filters: of each of the five stages.
        convolutions: in each stage, before its pooling.
        dense: width of the two convolutions that stand for VGG's dense layers.
        kernel: of the first of them.
        batch_norm: whether there is batch normalization after each convolution, which the paper did not have yet.
        dropout: after each of the two wide convolutions.
    """

    stride: Literal[8, 16, 32]
    filters: Annotated[list[Channels], Stages]
    convolutions: Annotated[list[Count], Stages]
    dense: Channels
    kernel: Side
    batch_norm: bool
    dropout: Annotated[float, Field(ge=0, lt=1)]

    @property
    def published(self) -> Published:
        """PASCAL VOC: 20 classes and the background."""
        return Published((500, 500, 3), 21)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "FCN":
        """Builds the network for images of the given channels."""
        check_size("a fully convolutional network", input_shape, 2**STAGES)
        return FCN(self, input_shape[-1], outputs=outputs, rngs=rngs)


class FCN(nnx.Module):
    """Stages of convolutions and pooling; classes of the last maps and of finer ones, brought back to the full size.

    Input: images `[batch, height, width, channels]` of at least 32x32, float. Output: `[batch, height, width,
    outputs]`.

    Classes are enlarged twofold by transposed convolutions that begin as bilinear interpolation and are learnt, then
    to the size of the image by bilinear interpolation itself, as in the paper. There, images are padded by 100 pixels
    so that the wide filters fit, and outputs are cropped; here every layer pads its input, so that maps of all sizes
    stay in place, and pooling rounds up, so that images may have any size. The parameters are the same.
    """

    def __init__(self, settings: FCNSettings, channels: int, *, outputs: int, rngs: nnx.Rngs) -> None:
        self.stages: nnx.List[Any] = nnx.List([])
        for filters, count in zip(settings.filters, settings.convolutions, strict=True):
            self.stages.append(Stage(channels, filters, count, settings, rngs=rngs))
            channels = filters
        self.wide = nnx.List(
            [
                _conv(channels, settings.dense, settings.kernel, settings, rngs),
                _conv(settings.dense, settings.dense, 1, settings, rngs),
            ]
        )
        self.dropout = Dropout(settings.dropout)
        self.score = _scores(settings.dense, outputs, rngs)
        finer = {32: (), 16: (-2,), 8: (-2, -3)}[settings.stride]
        self.finer = nnx.List([_scores(settings.filters[stage], outputs, rngs) for stage in finer])
        self.enlarge = nnx.List([Enlarge(outputs, rngs=rngs) for _ in finer])

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w outputs"]:
        x, maps = images, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        for conv in self.wide:
            x = self.dropout(nnx.relu(conv(x)))
        x = self.score(x)
        for score, enlarge, finer in zip(self.finer, self.enlarge, maps[-2::-1], strict=False):
            x = enlarge(x)[:, : finer.shape[1], : finer.shape[2]] + score(finer)
        return enlarged(x, 2 ** (STAGES - len(self.finer)))[:, : images.shape[1], : images.shape[2]]


class Stage(nnx.Module):
    """3x3 convolutions with ReLU, then max-pooling that halves the size, rounded up."""

    def __init__(self, inputs: int, filters: int, count: int, settings: FCNSettings, *, rngs: nnx.Rngs) -> None:
        widths = [inputs, *[filters] * (count - 1)]
        self.convs: nnx.List[Any] = nnx.List([_conv(width, filters, 3, settings, rngs) for width in widths])
        self.pool = MaxPool(2, ceil=True)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        for conv in self.convs:
            x = nnx.relu(conv(x))
        return self.pool(x)


class Enlarge(nnx.Module):
    """Twice the height and width by a transposed convolution of 4x4, which begins as bilinear interpolation."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs) -> None:
        self.conv = nnx.ConvTranspose(
            channels, channels, (4, 4), strides=(2, 2), padding="SAME", use_bias=False, kernel_init=bilinear, rngs=rngs
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w c"]:
        return self.conv(x)


def bilinear(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Float[Array, "4 4 c c"]:
    """Filters that interpolate each channel between its neighbours, halfway between which the new pixels lie."""
    weights = np.array([0.25, 0.75, 0.75, 0.25])
    return jnp.asarray(weights[:, None, None, None] * weights[:, None, None] * np.eye(shape[-1]), dtype)


def enlarged(x: Float[Array, "b h w c"], factor: int) -> Float[Array, "b h2 w2 c"]:
    """Bilinear interpolation to `factor` times the height and width; beyond the outermost values it goes on as they."""
    batch, height, width, channels = x.shape
    return jax.image.resize(x, (batch, factor * height, factor * width, channels), "bilinear")


def _conv(inputs: int, filters: int, kernel: int, settings: FCNSettings, rngs: nnx.Rngs) -> nnx.Conv | ConvNorm:
    if settings.batch_norm:
        return ConvNorm(inputs, filters, kernel=kernel, padding="SAME", bias=True, rngs=rngs)
    return nnx.Conv(inputs, filters, (kernel, kernel), padding="SAME", kernel_init=he_normal, rngs=rngs)


def _scores(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Conv:
    """Classes of maps; they begin as zeros, as in the paper."""
    return nnx.Conv(inputs, outputs, (1, 1), kernel_init=nnx.initializers.zeros, rngs=rngs)
