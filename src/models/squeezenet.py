"""A network of few parameters, most of its filters 1x1.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer 2016: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
<0.5MB model size (arXiv:1602.07360), Table 1. Version 1.1 is the authors' later one of 2.4 times less computing.
"""

from functools import partial
from typing import Literal, NamedTuple

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import Identity, he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import GlobalAveragePool, MaxPool
from .base import ImageShape, ModelSettings, Published, check_size

FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Squeezed and expanded channels of each fire module; an expansion has as many 1x1 filters as 3x3."""

Version = Literal["1.0", "1.1"]


class Plan(NamedTuple):
    """The differences between the versions.

    Attributes:
        width: filters of the first convolution.
        kernel: side of these filters.
        pooled_after: fire modules before each pooling.
        smallest: side of the smallest image.
    """

    width: int
    kernel: int
    pooled_after: tuple[int, int, int]
    smallest: int


VERSIONS: dict[Version, Plan] = {
    "1.0": Plan(width=96, kernel=7, pooled_after=(0, 3, 7), smallest=21),
    "1.1": Plan(width=64, kernel=3, pooled_after=(0, 2, 4), smallest=17),
}
SMALLEST_SMALL = 4


class SqueezeNetSettings(ModelSettings):
    """Settings of a version of the network."""

    version: Version
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "SqueezeNet":
        """Builds the network for images of at least 21x21 pixels, 17x17 in version 1.1, 4x4 where it is small."""
        channels = input_shape[-1]
        smallest = SMALLEST_SMALL if self.small else VERSIONS[self.version].smallest
        check_size(f"SqueezeNet {self.version}", input_shape, smallest, small=self.small)
        return SqueezeNet(self.version, small=self.small, channels=channels, outputs=outputs, rngs=rngs)


class SqueezeNet(nnx.Module):
    """A convolution, eight fire modules with max-pooling between, a 1x1 convolution, global average pooling.

    Input: images `[batch, height, width, channels]`, float, at least 21x21 (version 1.1: 17x17). Output: logits
    `[batch, outputs]`, the means of maps after a ReLU and so never negative. The last windows of the pooling extend
    beyond the edge, as in Caffe and torchvision.

    The small version has a 3x3 first convolution of stride 1 and no first pooling, so 32x32 images end as 8x8.
    """

    def __init__(self, version: Version, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        plan = VERSIONS[version]
        conv = partial(nnx.Conv, kernel_init=he_normal, rngs=rngs)
        side, stride, padding = (3, 1, 1) if small else (plan.kernel, 2, 0)
        self.stem = conv(channels, plan.width, (side, side), strides=stride, padding=padding)
        layers: list[nnx.Module] = []
        inputs = plan.width
        for number, (squeezed, expanded) in enumerate(FIRES):
            if number in plan.pooled_after:
                layers.append(Identity() if small and number == 0 else MaxPool(3, 2, ceil=True))
            layers.append(Fire(inputs, squeezed, expanded, rngs=rngs))
            inputs = 2 * expanded
        self.layers = nnx.List(layers)
        self.dropout = Dropout(0.5)
        self.head = conv(inputs, outputs, (1, 1))
        self.pool = GlobalAveragePool()

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = nnx.relu(self.stem(images))
        for layer in self.layers:
            x = layer(x)
        return self.pool(nnx.relu(self.head(self.dropout(x))))


class Fire(nnx.Module):
    """A 1x1 convolution to few channels, then 1x1 and 3x3 convolutions side by side.

    Input `[batch, height, width, inputs]`, output `[batch, height, width, 2 * expanded]`.
    """

    def __init__(self, inputs: int, squeezed: int, expanded: int, *, rngs: nnx.Rngs) -> None:
        conv = partial(nnx.Conv, kernel_init=he_normal, rngs=rngs)
        self.squeeze = conv(inputs, squeezed, (1, 1))
        self.expand1 = conv(squeezed, expanded, (1, 1))
        self.expand3 = conv(squeezed, expanded, (3, 3))

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        x = nnx.relu(self.squeeze(x))
        return nnx.relu(jnp.concatenate([self.expand1(x), self.expand3(x)], axis=-1))
