"""Residual and plain networks for small images.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (arXiv:1512.03385), section 4.2; chapter Figs 33-34.
Without shortcuts: Li et al., Visualizing the Loss Landscape of Neural Nets (arXiv:1712.09913); chapter Figs 35-36.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float
from pydantic import field_validator

from src.models.base import ImageShape, ModelSettings, Published
from src.models.blocks import ConvNorm, Identity, he_normal
from src.models.pooling import GlobalAveragePool

STAGE_WIDTHS = (16, 32, 64)

Shortcut = Literal["A", "B", "none"]


class CifarResNetSettings(ModelSettings):
    """Settings of a network of `depth` = 6n + 2 weighted layers."""

    depth: int
    shortcut: Shortcut

    @field_validator("depth")
    @classmethod
    def _six_n_plus_two(cls, depth: int) -> int:
        if depth < 8 or (depth - 2) % 6:
            below = max(8, depth - (depth - 2) % 6)
            nearest = f"{below} and {below + 6}" if depth > 8 else "8"
            raise ValueError(f"a CIFAR ResNet has 6n+2 layers; nearest: {nearest}")
        return depth

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "CifarResNet":
        """Builds the network for images of the given shape."""
        return CifarResNet(self.depth, self.shortcut, channels=input_shape[-1], outputs=outputs, rngs=rngs)


class CifarResNet(nnx.Module):
    """A 3x3 convolution, three stages of n blocks with 16, 32 and 64 filters, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, any size of at least 4x4, float. Output: logits
    `[batch, outputs]`. Option A shortcuts have no parameters, so residual and plain networks are equally large.
    """

    def __init__(self, depth: int, shortcut: Shortcut, *, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        self.stem = ConvNorm(channels, STAGE_WIDTHS[0], kernel=3, rngs=rngs)
        blocks: list[Block] = []
        width = STAGE_WIDTHS[0]
        for stage, stage_width in enumerate(STAGE_WIDTHS):
            for position in range((depth - 2) // 6):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(Block(width, stage_width, stride=stride, shortcut=shortcut, rngs=rngs))
                width = stage_width
        self.blocks = nnx.List(blocks)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(width, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = nnx.relu(self.stem(images))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(x))


class Block(nnx.Module):
    """Two 3x3 convolutions, and a shortcut around them unless the network is plain (chapter Fig. 34)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, shortcut: Shortcut, rngs: nnx.Rngs) -> None:
        self.conv1 = ConvNorm(inputs, outputs, kernel=3, stride=stride, rngs=rngs)
        self.conv2 = ConvNorm(outputs, outputs, kernel=3, rngs=rngs)
        self.shortcut = None if shortcut == "none" else _shortcut(inputs, outputs, stride, shortcut, rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        y = self.conv2(nnx.relu(self.conv1(x)))
        if self.shortcut is not None:
            y += self.shortcut(x)
        return nnx.relu(y)


def _shortcut(inputs: int, outputs: int, stride: int, option: Shortcut, rngs: nnx.Rngs) -> nnx.Module:
    """The identity where shapes agree; where they do not, He et al.'s option A or option B."""
    if inputs == outputs and stride == 1:
        return Identity()
    if option == "A":
        return PadShortcut(stride, outputs - inputs)
    return ConvNorm(inputs, outputs, kernel=1, stride=stride, rngs=rngs)


class PadShortcut(nnx.Module):
    """Option A: every `stride`-th pixel, with zeros for the channels that are new. No parameters."""

    def __init__(self, stride: int, new_channels: int) -> None:
        self.stride = stride
        self.new_channels = new_channels

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        kept = x[:, :: self.stride, :: self.stride]
        zero = jnp.zeros((), x.dtype)
        return jax.lax.pad(kept, zero, [(0, 0, 0)] * 3 + [(0, self.new_channels, 0)])
