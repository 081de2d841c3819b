"""AlexNet, and the dense layers that ZFNet and VGG took over from it.

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks (2012, NeurIPS);
chapter Fig. 28. torchvision's: Krizhevsky: One weird trick for parallelizing convolutional neural networks
(2014, arXiv:1404.5997).
"""

from itertools import count, pairwise
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from src.models.base import ImageShape, ModelSettings, Published, check_size
from src.models.blocks import Flatten, LocalResponseNorm, he_normal
from src.models.dropout import Dropout
from src.models.pooling import MaxPool

Variant = Literal["paper", "ungrouped", "torchvision"]


class Conv(NamedTuple):
    """A convolution with square filters."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def after(self, side: int) -> int:
        """The side of what comes out, for the side of what goes in."""
        return (side + 2 * self.padding - self.kernel) // self.stride + 1


CONVS: dict[Variant, tuple[Conv, ...]] = {
    "paper": (
        Conv(96, 11, stride=4),
        Conv(256, 5, padding=2, groups=2),
        Conv(384, 3, padding=1),
        Conv(384, 3, padding=1, groups=2),
        Conv(256, 3, padding=1, groups=2),
    ),
    "ungrouped": (
        Conv(96, 11, stride=4),
        Conv(256, 5, padding=2),
        Conv(384, 3, padding=1),
        Conv(384, 3, padding=1),
        Conv(256, 3, padding=1),
    ),
    "torchvision": (
        Conv(64, 11, stride=4, padding=2),
        Conv(192, 5, padding=2),
        Conv(384, 3, padding=1),
        Conv(256, 3, padding=1),
        Conv(256, 3, padding=1),
    ),
}
SIDES: dict[Variant, int] = {"paper": 227, "ungrouped": 227, "torchvision": 224}
NORMALIZED = (0, 1)
POOLED = (0, 1, 4)

DENSE = (4096, 4096)
SMALL_DENSE = (512,)
DROPOUT = 0.5


class AlexNetSettings(ModelSettings):
    """Settings of the network; `variant` is whose it is, `small` is for images of about 32x32 pixels."""

    variant: Variant
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet; CIFAR-10 for the small version."""
        side = SIDES[self.variant]
        return Published((32, 32, 3), 10) if self.small else Published((side, side, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "AlexNet":
        """Builds the network for images of the given shape."""
        convs = _convs(self.variant, self.small)
        smallest = next(side for side in count(1) if _side(side, convs) > 0)
        check_size("AlexNet", input_shape, smallest, small=self.small)
        return AlexNet(self.variant, input_shape, small=self.small, outputs=outputs, rngs=rngs)


class AlexNet(nnx.Module):
    """Five convolutions, three of them with max-pooling, then two dense layers of 4096 and a linear one.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, float. Output: logits
    `[batch, outputs]`. The paper says 224x224, but its 55x55 first maps need 227x227. The initialization is
    He et al.'s, not the paper's.

    `paper` has two groups of channels, one for each of its two GPUs, and local response normalization; `ungrouped` is
    the same without groups. `torchvision` has fewer filters, no normalization, average pooling of the features to 6x6
    (which they are already for 224x224), and dropout before each dense layer instead of after it. The small version
    has a first convolution of 5x5 without a stride, one dense layer of 512 in place of two, and no average pooling.
    """

    def __init__(self, variant: Variant, input_shape: ImageShape, *, small: bool, outputs: int, rngs: nnx.Rngs) -> None:
        height, width, channels = input_shape
        convs, from_torchvision = _convs(variant, small), variant == "torchvision"
        features = _features(channels, convs, normalized=not from_torchvision, rngs=rngs)
        height, width = _side(height, convs), _side(width, convs)
        if from_torchvision and not small:
            features.append(AdaptiveAveragePool(6))
            height = width = 6
        self.features = nnx.List(features)
        self.flatten = Flatten()
        widths = (height * width * convs[-1].filters, *(SMALL_DENSE if small else DENSE))
        self.dense = dense_blocks(widths, dropout_first=from_torchvision, rngs=rngs)
        self.head = nnx.Linear(widths[-1], outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = images
        for layer in self.features:
            x = layer(x)
        x = self.flatten(x)
        for block in self.dense:
            x = block(x)
        return self.head(x)


def _convs(variant: Variant, small: bool) -> tuple[Conv, ...]:
    """The convolutions of a variant; the small version has another first one."""
    first, *others = CONVS[variant]
    return (Conv(first.filters, 5, padding=2) if small else first, *others)


def _features(channels: int, convs: tuple[Conv, ...], *, normalized: bool, rngs: nnx.Rngs) -> list[nnx.Module]:
    """The convolutions, each with the normalization and the pool that follow it."""
    features: list[nnx.Module] = []
    for number, conv in enumerate(convs):
        features.append(ConvReLU(channels, conv, rngs=rngs))
        if normalized and number in NORMALIZED:
            features.append(LocalResponseNorm())
        if number in POOLED:
            features.append(MaxPool(3, 2))
        channels = conv.filters
    return features


def _side(side: int, convs: tuple[Conv, ...]) -> int:
    """The side of the last feature maps."""
    for number, conv in enumerate(convs):
        side = conv.after(side)
        if number in POOLED:
            side = (side - 3) // 2 + 1
    return side


class ConvReLU(nnx.Module):
    """A convolution with ReLU."""

    def __init__(self, channels: int, conv: Conv, *, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(
            channels,
            conv.filters,
            (conv.kernel, conv.kernel),
            strides=conv.stride,
            padding=conv.padding,
            feature_group_count=conv.groups,
            kernel_init=he_normal,
            rngs=rngs,
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return nnx.relu(self.conv(x))


class DenseBlock(nnx.Module):
    """A dense layer with ReLU, and dropout of what leaves it, or of what enters it."""

    def __init__(self, inputs: int, outputs: int, *, dropout_first: bool, rngs: nnx.Rngs) -> None:
        self.dropout_first = dropout_first
        self.linear = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)
        self.dropout = Dropout(DROPOUT)

    def __call__(self, x: Float[Array, "b n"]) -> Float[Array, "b m"]:
        if self.dropout_first:
            return nnx.relu(self.linear(self.dropout(x)))
        return self.dropout(nnx.relu(self.linear(x)))


def dense_blocks(widths: tuple[int, ...], *, dropout_first: bool = False, rngs: nnx.Rngs) -> nnx.List[DenseBlock]:
    """Dense layers one after the other; `widths` starts with the inputs of the first."""
    return nnx.List([DenseBlock(*pair, dropout_first=dropout_first, rngs=rngs) for pair in pairwise(widths)])


class AdaptiveAveragePool(nnx.Module):
    """Means over `size` x `size` windows that cover an image of any size, as in PyTorch."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        for axis in (1, 2):
            windows = _windows(x.shape[axis], self.size)
            means = [jax.lax.slice_in_dim(x, low, high, axis=axis).mean(axis) for low, high in windows]
            x = jnp.stack(means, axis)
        return x


def _windows(side: int, number: int) -> list[tuple[int, int]]:
    """Where windows start and end: fractions of the side, rounded outwards."""
    return [(place * side // number, -(-(place + 1) * side // number)) for place in range(number)]
