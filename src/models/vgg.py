"""VGG: networks of 3x3 convolutions and max-pooling.

Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition (2014, arXiv:1409.1556),
Table 1; chapter Fig. 30. Small: Li et al., Visualizing the Loss Landscape of Neural Nets (2018, arXiv:1712.09913).
"""

from itertools import pairwise
from typing import Any

from flax import nnx
from jaxtyping import Array, Float
from pydantic import field_validator, model_validator

from ..layers.blocks import ConvNorm, Flatten, dense_blocks, he_normal
from ..layers.pooling import MaxPool
from .base import ImageShape, ModelSettings, Published, check_size

WIDTHS = (64, 128, 256, 512, 512)
DENSE = (4096, 4096)
CONVOLUTIONS = {
    9: (2, 2, 3),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
"""Depth, and how many convolutions each stage has: the paper's A, B, D and E, and the 9 layers of Li et al."""


class VGGSettings(ModelSettings):
    """Settings of a network of `depth` weighted layers; `small` is for images of about 32x32 pixels."""

    depth: int
    batch_norm: bool
    small: bool

    @field_validator("depth")
    @classmethod
    def _known(cls, depth: int) -> int:
        if depth not in CONVOLUTIONS:
            nearest = min(CONVOLUTIONS, key=lambda known: abs(known - depth))
            raise ValueError(f"a VGG network has {', '.join(map(str, CONVOLUTIONS))} layers; nearest: {nearest}")
        return depth

    @model_validator(mode="after")
    def _nine_is_small(self) -> "VGGSettings":
        if self.depth == 9 and not self.small:
            raise ValueError("a VGG network of depth=9 exists for small images only: small=true, or depth=11")
        return self

    @property
    def published(self) -> Published:
        """ImageNet; CIFAR-10 for the small version."""
        return Published((32, 32, 3), 10) if self.small else Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "VGG":
        """Builds the network for images of the given shape."""
        smallest = 1 if self.small else 2 ** len(WIDTHS)
        check_size("VGG", input_shape, smallest, small=self.small)
        return VGG(self.depth, input_shape, batch_norm=self.batch_norm, small=self.small, outputs=outputs, rngs=rngs)


class VGG(nnx.Module):
    """Stages of 3x3 convolutions that end in a 2x2 pool, then two dense layers of 4096 and a linear one.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, float. Output: logits
    `[batch, outputs]`. Batch normalization came after the paper; the convolutions keep their biases with it, as in
    torchvision. For other sizes than 224x224 the first dense layer changes, as in Keras, where torchvision would pool
    the features to 7x7.

    The small version is that of Li et al. for CIFAR-10: one dense layer, as wide as the last convolution, in place of
    two; normalized where the convolutions are, and without dropout; pooling whose last window may extend beyond the
    edge, so that 28x28 is accepted. VGG-9 has seven convolutions of 64 to 256 filters, in three stages. The other
    depths keep their names but have one weighted layer less.
    """

    def __init__(
        self, depth: int, input_shape: ImageShape, *, batch_norm: bool, small: bool, outputs: int, rngs: nnx.Rngs
    ) -> None:
        height, width, channels = input_shape
        counts = CONVOLUTIONS[depth]
        stages: list[Stage] = []
        for convolutions, filters in zip(counts, WIDTHS, strict=False):
            stages.append(Stage(channels, filters, convolutions, batch_norm=batch_norm, ceil=small, rngs=rngs))
            channels = filters
        self.stages = nnx.List(stages)
        self.flatten = Flatten()
        inputs = _side(height, len(counts), small) * _side(width, len(counts), small) * channels
        self.dense: nnx.List[Any] = (
            nnx.List([SmallDense(inputs, channels, batch_norm=batch_norm, rngs=rngs)])
            if small
            else dense_blocks((inputs, *DENSE), rngs=rngs)
        )
        self.head = nnx.Linear(channels if small else DENSE[-1], outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = images
        for stage in self.stages:
            x = stage(x)
        x = self.flatten(x)
        for block in self.dense:
            x = block(x)
        return self.head(x)


def _side(side: int, pools: int, ceil: bool) -> int:
    """The side of the last feature maps."""
    for _ in range(pools):
        side = (side + ceil) // 2
    return side


class Stage(nnx.Module):
    """3x3 convolutions with ReLU and equal numbers of filters, then max-pooling."""

    def __init__(
        self, inputs: int, filters: int, convolutions: int, *, batch_norm: bool, ceil: bool, rngs: nnx.Rngs
    ) -> None:
        channels = [inputs, *[filters] * convolutions]
        self.convs = nnx.List([_conv(*pair, batch_norm=batch_norm, rngs=rngs) for pair in pairwise(channels)])
        self.pool = MaxPool(2, ceil=ceil)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        for conv in self.convs:
            x = nnx.relu(conv(x))
        return self.pool(x)


def _conv(inputs: int, filters: int, *, batch_norm: bool, rngs: nnx.Rngs) -> nnx.Conv | ConvNorm:
    if batch_norm:
        return ConvNorm(inputs, filters, kernel=3, bias=True, rngs=rngs)
    return nnx.Conv(inputs, filters, (3, 3), padding=1, kernel_init=he_normal, rngs=rngs)


class SmallDense(nnx.Module):
    """A dense layer with ReLU, and optional batch normalization before it."""

    def __init__(self, inputs: int, outputs: int, *, batch_norm: bool, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)
        self.norm = nnx.BatchNorm(outputs, momentum=0.9, rngs=rngs) if batch_norm else None

    def __call__(self, x: Float[Array, "b n"]) -> Float[Array, "b m"]:
        x = self.linear(x)
        return nnx.relu(x if self.norm is None else self.norm(x))


def published_layers(network: VGG) -> dict[str, str]:
    """Our names of the convolutions by those of papers: `2_2` of `conv2_2` is the second one of the second stage."""
    return {
        f"{stage + 1}_{conv + 1}": f"stages.{stage}.convs.{conv}"
        for stage, own in enumerate(network.stages)
        for conv in range(len(own.convs))
    }
