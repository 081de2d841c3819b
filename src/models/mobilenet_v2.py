"""A network of depthwise separable convolutions between shortcuts.

Sandler, Howard, Zhu, Zhmoginov, Chen 2018: MobileNetV2: Inverted Residuals and Linear Bottlenecks (arXiv:1801.04381),
Table 2; listed in chapter Fig. 26.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvNorm, ConvNormReLU6, Identity, Padding, he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import GlobalAveragePool
from .base import ImageShape, ModelSettings, Published, check_size

STEM_WIDTH = 32
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and stride of the first block, for each stage."""

LAST_WIDTH = 1280

Variant = Literal["torchvision", "keras"]


class Details(NamedTuple):
    """The differences between the implementations.

    Attributes:
        padding: of all convolutions; None is half the filter on each side.
        epsilon: of the batch normalization.
        dropout: before the linear layer.
    """

    padding: Padding | None
    epsilon: float
    dropout: float


VARIANTS: dict[Variant, Details] = {
    "torchvision": Details(padding=None, epsilon=1e-5, dropout=0.2),
    "keras": Details(padding="SAME", epsilon=1e-3, dropout=0.0),
}


class MobileNetV2Settings(ModelSettings):
    """Settings of the network of Table 2."""

    variant: Variant
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "MobileNetV2":
        """Builds the network for images of the given shape."""
        check_size("MobileNetV2", input_shape, 1)
        return MobileNetV2(self.variant, small=self.small, channels=input_shape[-1], outputs=outputs, rngs=rngs)


class MobileNetV2(nnx.Module):
    """A 3x3 convolution, seven stages of inverted residuals, a 1x1 convolution, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]` of any size, float. Output: logits `[batch, outputs]`. Keras pads
    strided convolutions below and on the right, torchvision on all sides; torchvision has dropout before the linear
    layer.

    In the small version the first convolution and the first stage that has it lose their stride of 2, so 32x32
    images end as 4x4.
    """

    def __init__(self, variant: Variant, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        padding, epsilon, dropout = VARIANTS[variant]
        conv = partial(ConvNormReLU6, padding=padding, epsilon=epsilon, rngs=rngs)
        linear = partial(ConvNorm, epsilon=epsilon, rngs=rngs)
        self.stem = conv(channels, STEM_WIDTH, kernel=3, stride=1 if small else 2)
        blocks: list[InvertedResidual] = []
        inputs = STEM_WIDTH
        for stage, (expansion, width, count, first) in enumerate(STAGES):
            for position in range(count):
                stride = first if position == 0 and not (small and stage == 1) else 1
                blocks.append(InvertedResidual(conv, linear, inputs, width, stride=stride, expansion=expansion))
                inputs = width
        self.blocks = nnx.List(blocks)
        self.last = conv(inputs, LAST_WIDTH, kernel=1)
        self.pool = GlobalAveragePool()
        self.dropout = Dropout(dropout)
        self.head = nnx.Linear(LAST_WIDTH, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        return self.head(self.dropout(self.pool(self.last(x))))


class InvertedResidual(nnx.Module):
    """A 1x1 convolution to more channels, a depthwise one, and a linear 1x1 convolution to fewer channels.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, outputs]`. The shortcut
    connects the narrow ends if their shapes agree. With an expansion of 1 there is no first convolution.
    """

    def __init__(
        self,
        conv: Callable[..., ConvNormReLU6],
        linear: Callable[..., ConvNorm],
        inputs: int,
        outputs: int,
        *,
        stride: int,
        expansion: int,
        kernel: int = 3,
    ) -> None:
        inside = inputs * expansion
        self.expand = conv(inputs, inside, kernel=1) if expansion > 1 else None
        self.depthwise = conv(inside, inside, kernel=kernel, stride=stride, groups=inside)
        self.project = linear(inside, outputs, kernel=1)
        self.shortcut = Identity() if inputs == outputs and stride == 1 else None

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return y if self.shortcut is None else y + self.shortcut(x)
