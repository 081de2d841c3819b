"""Networks in which each layer reads the outputs of all layers before it.

Huang, Liu, van der Maaten, Weinberger 2016: Densely Connected Convolutional Networks (arXiv:1608.06993), Table 1 and
section 4; chapter Fig. 40.
"""

from functools import partial
from typing import Literal, NamedTuple

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..config.settings import added
from ..layers.blocks import ConvNorm, NormConv, he_normal
from ..layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from .base import ImageShape, ModelSettings, Published, check_size

BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
"""Layers in each dense block of the networks for ImageNet, by depth."""

EPSILON = {"torchvision": 1e-5, "keras": 1.001e-5}
SMALLEST = 29
"""Side of the smallest image for the networks for ImageNet."""

SMALLEST_SMALL = 8
"""The same for their small version."""


class Plan(NamedTuple):
    """The shape of a dense network.

    Attributes:
        blocks: layers in each dense block.
        growth: channels that a layer adds.
        stem: channels before the first dense block.
        bottleneck: whether a 1x1 convolution to 4 * growth channels comes before each 3x3.
        compression: factor on the channels in a transition.
        epsilon: of the batch normalization.
    """

    blocks: tuple[int, ...]
    growth: int
    stem: int
    bottleneck: bool
    compression: float
    epsilon: float


class DenseNetSettings(ModelSettings):
    """Settings of a network for ImageNet with `depth` weighted layers; `small` is for images of about 32x32 pixels."""

    depth: Literal[121, 169, 201]
    variant: Literal["torchvision", "keras"]
    small: bool = added(False)

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "DenseNet":
        """Builds the network for images of at least 29x29 pixels, or 8x8 if it is the small one."""
        smallest = SMALLEST_SMALL if self.small else SMALLEST
        check_size(f"DenseNet-{self.depth}", input_shape, smallest, small=self.small)
        plan = Plan(
            blocks=BLOCKS[self.depth],
            growth=32,
            stem=64,
            bottleneck=True,
            compression=0.5,
            epsilon=EPSILON[self.variant],
        )
        stem = (
            small_stem(input_shape[-1], plan.stem, rngs=rngs)
            if self.small
            else PooledStem(input_shape[-1], plan.stem, epsilon=plan.epsilon, rngs=rngs)
        )
        return DenseNet(plan, stem, outputs=outputs, rngs=rngs)


class DenseNet(nnx.Module):
    """A stem, dense blocks with transitions between them, a normalization, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float, of at least 29x29 pixels with the stem for ImageNet, 8x8
    with as many blocks and a small stem, and 4x4 with the three blocks for CIFAR. Output: logits `[batch, outputs]`.

    Differs from the paper: there is no dropout, which the authors used where they did not augment the images. Keras
    and torchvision differ in epsilon alone.
    """

    def __init__(self, plan: Plan, stem: nnx.Module, *, outputs: int, rngs: nnx.Rngs) -> None:
        self.stem = stem
        layers: list[nnx.Module] = []
        width = plan.stem
        for block, count in enumerate(plan.blocks):
            if block > 0:
                kept = int(width * plan.compression)
                layers.append(Transition(width, kept, epsilon=plan.epsilon, rngs=rngs))
                width = kept
            for _ in range(count):
                layers.append(DenseLayer(width, plan, rngs=rngs))
                width += plan.growth
        self.layers = nnx.List(layers)
        self.norm = nnx.BatchNorm(width, momentum=0.9, epsilon=plan.epsilon, rngs=rngs)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(width, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.stem(images)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.pool(nnx.relu(self.norm(x))))


def small_stem(channels: int, outputs: int, *, rngs: nnx.Rngs) -> nnx.Conv:
    """A 3x3 convolution that keeps the size of the images."""
    return nnx.Conv(channels, outputs, (3, 3), use_bias=False, kernel_init=he_normal, rngs=rngs)


class PooledStem(nnx.Module):
    """A 7x7 convolution of stride 2 and max-pooling, from `[b, h, w, channels]` to `[b, h / 4, w / 4, outputs]`."""

    def __init__(self, channels: int, outputs: int, *, epsilon: float, rngs: nnx.Rngs) -> None:
        self.conv = ConvNorm(channels, outputs, kernel=7, stride=2, epsilon=epsilon, rngs=rngs)
        self.pool = MaxPool(3, 2, padding=1)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.pool(nnx.relu(self.conv(x)))


class DenseLayer(nnx.Module):
    """Concatenates `growth` new channels to its input (chapter Fig. 40)."""

    def __init__(self, inputs: int, plan: Plan, *, rngs: nnx.Rngs) -> None:
        make = partial(NormConv, epsilon=plan.epsilon, rngs=rngs)
        inside = 4 * plan.growth
        self.convs = nnx.List(
            [make(inputs, inside, kernel=1), make(inside, plan.growth, kernel=3)]
            if plan.bottleneck
            else [make(inputs, plan.growth, kernel=3)]
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        y = x
        for conv in self.convs:
            y = conv(y)
        return jnp.concatenate([x, y], axis=-1)


class Transition(nnx.Module):
    """A 1x1 convolution to fewer channels, then average pooling that halves the size."""

    def __init__(self, inputs: int, outputs: int, *, epsilon: float, rngs: nnx.Rngs) -> None:
        self.conv = NormConv(inputs, outputs, kernel=1, epsilon=epsilon, rngs=rngs)
        self.pool = AveragePool(2)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.pool(self.conv(x))
