"""Residual networks whose normalization and activation come before the convolution.

He, Zhang, Ren, Sun 2016: Identity Mappings in Deep Residual Networks (arXiv:1603.05027), Fig. 4e, as Keras builds them.
"""

from functools import partial
from typing import Literal

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvNorm, Identity, he_normal
from ..layers.pooling import GlobalAveragePool, MaxPool
from .base import ImageShape, ModelSettings, Published, check_size
from .resnet import BLOCKS, EXPANSION, STAGE_WIDTHS

EPSILON = 1.001e-5


class ResNetV2Settings(ModelSettings):
    """Settings of a pre-activation residual network of `depth` weighted layers."""

    depth: Literal[50, 101, 152]
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "ResNetV2":
        """Builds the network for images of the given shape."""
        check_size(f"ResNet-{self.depth} V2", input_shape, 1)
        return ResNetV2(self.depth, small=self.small, channels=input_shape[-1], outputs=outputs, rngs=rngs)


class ResNetV2(nnx.Module):
    """A 7x7 convolution, max-pooling, four stages of bottlenecks, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]` of any size, float. Output: logits `[batch, outputs]`. Inside a
    stage the blocks only add to the signal; it is normalized once after the last block.

    Differs from the paper as Keras does: the last block of the first three stages halves the size, not the first of
    the next; the stem, the last convolution of a block and the 1x1 shortcuts have a bias.

    The small version has a 3x3 stem of stride 1 and no max-pooling, so 32x32 images end as 4x4.
    """

    def __init__(self, depth: int, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        conv = partial(nnx.Conv, kernel_init=he_normal, rngs=rngs)
        side, step = (3, 1) if small else (7, 2)
        self.stem = conv(channels, STAGE_WIDTHS[0], (side, side), strides=step, padding=side // 2)
        self.shrink = Identity() if small else ZeroPaddedMaxPool()
        blocks: list[PreActivationBottleneck] = []
        inputs = STAGE_WIDTHS[0]
        for count, width in zip(BLOCKS[depth], STAGE_WIDTHS, strict=True):
            for position in range(count):
                stride = 2 if position == count - 1 and width != STAGE_WIDTHS[-1] else 1
                blocks.append(PreActivationBottleneck(inputs, width, stride=stride, rngs=rngs))
                inputs = EXPANSION * width
        self.blocks = nnx.List(blocks)
        self.norm = nnx.BatchNorm(inputs, momentum=0.9, epsilon=EPSILON, rngs=rngs)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.shrink(self.stem(images))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(nnx.relu(self.norm(x))))


class ZeroPaddedMaxPool(nnx.Module):
    """3x3 max-pooling of stride 2 with zero padding.

    The stem has no activation, so at the border a zero of the padding can be the maximum, as in Keras.
    """

    def __init__(self) -> None:
        self.pool = MaxPool(3, 2)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        return self.pool(jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]))


class PreActivationBottleneck(nnx.Module):
    """A normalization, then 1x1, 3x3 and 1x1 convolutions with normalizations between, and a shortcut.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, 4 * width of the stage]`.
    Where the width changes, the shortcut is a 1x1 convolution of the normalized input; where the size does, every
    `stride`-th pixel of the input.
    """

    def __init__(self, inputs: int, width: int, *, stride: int, rngs: nnx.Rngs) -> None:
        outputs = EXPANSION * width
        conv = partial(nnx.Conv, kernel_size=(1, 1), kernel_init=he_normal, rngs=rngs)
        self.norm = nnx.BatchNorm(inputs, momentum=0.9, epsilon=EPSILON, rngs=rngs)
        self.conv1 = ConvNorm(inputs, width, kernel=1, epsilon=EPSILON, rngs=rngs)
        self.conv2 = ConvNorm(width, width, kernel=3, stride=stride, epsilon=EPSILON, rngs=rngs)
        self.conv3 = conv(width, outputs)
        self.projection = None if inputs == outputs else conv(inputs, outputs)
        self.shortcut = Identity() if stride == 1 else MaxPool(1, stride)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        active = nnx.relu(self.norm(x))
        y = nnx.relu(self.conv1(active))
        y = self.conv3(nnx.relu(self.conv2(y)))
        return y + self.shortcut(x if self.projection is None else self.projection(active))
