"""A network of depthwise separable convolutions.

Howard et al. 2017: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications
(arXiv:1704.04861), Table 1; chapter Fig. 43.
"""

from typing import Annotated

from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field, field_validator

from ..layers.blocks import ConvNormReLU6, he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import GlobalAveragePool
from .base import ImageShape, ModelSettings, Published, check_size
from .sizes import DEEPEST

STEM_WIDTH = 32
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)
"""Filters and stride of each block."""

EPSILON = 1e-3
KERAS_PADDING = ((0, 1), (0, 1))
"""At stride 2, Keras pads below and on the right only."""


class MobileNetSettings(ModelSettings):
    """Settings of a MobileNet whose layers have `width` times the published channels."""

    width: Annotated[float, Field(le=DEEPEST)]
    small: bool

    @field_validator("width")
    @classmethod
    def _leaves_a_channel(cls, width: float) -> float:
        if width * STEM_WIDTH < 1:
            raise ValueError(f"the first layer would have no channels; smallest: {1 / STEM_WIDTH}")
        return width

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "MobileNet":
        """Builds the network for images of at least 32x32 pixels, or 8x8 where it is small."""
        channels = input_shape[-1]
        smallest = 8 if self.small else 32
        check_size("MobileNet", input_shape, smallest, small=self.small)
        return MobileNet(self.width, small=self.small, channels=channels, outputs=outputs, rngs=rngs)


class MobileNet(nnx.Module):
    """A 3x3 convolution, thirteen depthwise separable ones, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float, at least 32x32. Output: logits `[batch, outputs]`.

    Differs from the paper as Keras does: the activation is ReLU6, and a little dropout comes before the linear layer,
    which is Keras's 1x1 convolution of a single pixel.

    In the small version the first convolution and the first block that has it lose their stride of 2, so 32x32
    images end as 4x4.
    """

    def __init__(self, width: float, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        inputs = int(STEM_WIDTH * width)
        self.stem = _conv(channels, inputs, kernel=3, stride=1 if small else 2, rngs=rngs)
        blocks: list[SeparableBlock] = []
        for filters, stride in BLOCKS:
            kept = 1 if small and filters == 128 else stride
            blocks.append(SeparableBlock(inputs, int(filters * width), stride=kept, rngs=rngs))
            inputs = int(filters * width)
        self.blocks = nnx.List(blocks)
        self.pool = GlobalAveragePool()
        self.dropout = Dropout(1e-3)
        self.head = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        return self.head(self.dropout(self.pool(x)))


class SeparableBlock(nnx.Module):
    """A 3x3 depthwise convolution, then a 1x1 convolution.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, outputs]`.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, rngs: nnx.Rngs) -> None:
        self.depthwise = _conv(inputs, inputs, kernel=3, stride=stride, groups=inputs, rngs=rngs)
        self.pointwise = _conv(inputs, outputs, kernel=1, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.pointwise(self.depthwise(x))


def _conv(inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1, rngs: nnx.Rngs) -> ConvNormReLU6:
    """A convolution and batch normalization with Keras's padding and constants."""
    padding = KERAS_PADDING if stride == 2 else None
    return ConvNormReLU6(
        inputs, outputs, kernel=kernel, stride=stride, padding=padding, groups=groups, epsilon=EPSILON, rngs=rngs
    )
