"""Residual and plain networks for small images.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (arXiv:1512.03385), section 4.2; chapter Figs 33-34.
Without shortcuts, and wider: Li et al., Visualizing the Loss Landscape of Neural Nets (arXiv:1712.09913); chapter Figs
35-36.
"""

from flax import nnx
from jaxtyping import Array, Float
from pydantic import field_validator

from ..config.settings import added
from ..layers.blocks import ConvNorm, he_normal
from ..layers.pooling import GlobalAveragePool
from ..layers.residual import Block
from ..layers.shortcuts import Shortcut
from .base import ImageShape, ModelSettings, Published, check_depth, check_size
from .sizes import Count, Depth

STAGE_WIDTHS = (16, 32, 64)
SMALLEST = 4
"""Side of the smallest image: two stages halve it."""


class CifarResNetSettings(ModelSettings):
    """Settings of a network of `depth` = 6n + 2 weighted layers with `width` times the published filters."""

    depth: Depth
    shortcut: Shortcut
    width: Count = added(1)

    @field_validator("depth")
    @classmethod
    def _six_n_plus_two(cls, depth: int) -> int:
        return check_depth("a CIFAR ResNet", depth, each=6, others=2)

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "CifarResNet":
        """Builds the network for images of the given shape."""
        check_size("a CIFAR ResNet", input_shape, SMALLEST)
        channels = input_shape[-1]
        return CifarResNet(self.depth, self.shortcut, self.width, channels=channels, outputs=outputs, rngs=rngs)


class CifarResNet(nnx.Module):
    """A 3x3 convolution, three stages of n blocks with 16, 32 and 64 filters, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, any size of at least 4x4, float. Output: logits
    `[batch, outputs]`. Option A shortcuts have no parameters, so residual and plain networks are equally large. The
    width multiplies all filters, those of the first convolution too, as in the WRN-56-k of Li et al.
    """

    def __init__(
        self, depth: int, shortcut: Shortcut, width: int = 1, *, channels: int, outputs: int, rngs: nnx.Rngs
    ) -> None:
        inputs = width * STAGE_WIDTHS[0]
        self.stem = ConvNorm(channels, inputs, kernel=3, rngs=rngs)
        blocks: list[Block] = []
        for stage, filters in enumerate(STAGE_WIDTHS):
            for position in range((depth - 2) // 6):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(Block(inputs, width * filters, stride=stride, shortcut=shortcut, rngs=rngs))
                inputs = width * filters
        self.blocks = nnx.List(blocks)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = nnx.relu(self.stem(images))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(x))
