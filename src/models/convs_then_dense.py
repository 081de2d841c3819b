"""Convolutions and pooling from a table, then dense layers: the structure of AlexNet and ZFNet."""

from itertools import count
from typing import NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvReLU, Flatten, LocalResponseNorm, dense_blocks, he_normal
from ..layers.pooling import AdaptiveAveragePool, MaxPool
from .base import ImageShape

DENSE = (4096, 4096)
SMALL_DENSE = (512,)


class Conv(NamedTuple):
    """A convolution with square filters, and ReLU."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def make(self, channels: int, rngs: nnx.Rngs) -> nnx.Module:
        """Makes the layer for that many input channels."""
        filters, kernel, stride, padding, groups = self
        return ConvReLU(channels, filters, kernel=kernel, stride=stride, padding=padding, groups=groups, rngs=rngs)

    def after(self, side: int) -> int:
        """The side of what comes out, for the side of what goes in."""
        return (side + 2 * self.padding - self.kernel) // self.stride + 1


class Pool(NamedTuple):
    """Max-pooling with overlapping windows; with `ceil` the last one may extend beyond the edge."""

    ceil: bool = False
    size: int = 3
    stride: int = 2

    def make(self, channels: int, rngs: nnx.Rngs) -> nnx.Module:
        """The layer."""
        return MaxPool(self.size, self.stride, ceil=self.ceil)

    def after(self, side: int) -> int:
        """The side of what comes out, for the side of what goes in."""
        return (side - self.size + self.ceil * (self.stride - 1)) // self.stride + 1


class Norm(NamedTuple):
    """Local response normalization."""

    def make(self, channels: int, rngs: nnx.Rngs) -> nnx.Module:
        """The layer."""
        return LocalResponseNorm()

    def after(self, side: int) -> int:
        """The side itself."""
        return side


class Average(NamedTuple):
    """Adaptive average pooling to a fixed size."""

    side: int

    def make(self, channels: int, rngs: nnx.Rngs) -> nnx.Module:
        """The layer."""
        return AdaptiveAveragePool(self.side)

    def after(self, side: int) -> int:
        """The fixed size, or 0 without input."""
        return self.side if side > 0 else 0


Steps = tuple[Conv | Pool | Norm | Average, ...]


class ConvsThenDense(nnx.Module):
    """The layers of a table, dense layers with dropout, a linear layer.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, float. Output: logits
    `[batch, outputs]`.
    """

    def __init__(
        self,
        steps: Steps,
        input_shape: ImageShape,
        *,
        small: bool,
        dropout: float = 0.5,
        dropout_first: bool = False,
        outputs: int,
        rngs: nnx.Rngs,
    ) -> None:
        """Makes all layers; the small version has one narrower dense layer instead of two."""
        height, width, channels = input_shape
        features: list[nnx.Module] = []
        for step in steps:
            features.append(step.make(channels, rngs))
            channels = step.filters if isinstance(step, Conv) else channels
        self.features = nnx.List(features)
        self.flatten = Flatten()
        widths = (side_after(steps, height) * side_after(steps, width) * channels, *(SMALL_DENSE if small else DENSE))
        self.dense = dense_blocks(widths, dropout=dropout, dropout_first=dropout_first, rngs=rngs)
        self.head = nnx.Linear(widths[-1], outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = images
        for layer in self.features:
            x = layer(x)
        x = self.flatten(x)
        for block in self.dense:
            x = block(x)
        return self.head(x)


def side_after(steps: Steps, side: int) -> int:
    """The side of the last feature maps, from the side of an image."""
    for step in steps:
        side = step.after(side)
    return side


def smallest_side(steps: Steps) -> int:
    """The side of the smallest image whose last feature maps have a pixel."""
    return next(side for side in count(1) if side_after(steps, side) > 0)
