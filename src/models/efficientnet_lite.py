"""Networks whose width, depth and image size grow together, without what slows down small devices.

Tan, Le 2019: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks (arXiv:1905.11946), Table 1. The
Lite networks are Google's (github.com/tensorflow/tpu, models/official/efficientnet/lite): no squeeze-and-excitation,
ReLU6 in place of swish, and neither the first nor the last layers are scaled.
"""

from functools import partial
from math import ceil
from typing import Literal, NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvNorm, ConvNormReLU6, he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import GlobalAveragePool
from .base import ImageShape, ModelSettings, Published, check_size
from .mobilenet_v2 import InvertedResidual

STEM_WIDTH, LAST_WIDTH = 32, 1280
STAGES = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (5, 6, 40, 2, 2),
    (3, 6, 80, 3, 2),
    (5, 6, 112, 3, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)
"""Kernel, expansion, channels, blocks and stride of the first block, for each stage, before scaling."""

DIVISOR = 8
"""Channels are multiples of it."""

MOMENTUM, EPSILON = 0.99, 1e-3


class Scale(NamedTuple):
    """One of the networks.

    Attributes:
        width: factor of the channels.
        depth: factor of the blocks.
        side: of the published images.
        dropout: before the linear layer.
    """

    width: float
    depth: float
    side: int
    dropout: float


SCALES = (
    Scale(1.0, 1.0, 224, 0.2),
    Scale(1.0, 1.1, 240, 0.2),
    Scale(1.1, 1.2, 260, 0.3),
    Scale(1.2, 1.4, 280, 0.3),
    Scale(1.4, 1.8, 300, 0.3),
)
"""Lite0 to Lite4."""


class EfficientNetLiteSettings(ModelSettings):
    """Settings of EfficientNet-Lite`size`."""

    size: Literal[0, 1, 2, 3, 4]
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        side = SCALES[self.size].side
        return Published((side, side, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "EfficientNetLite":
        """Builds the network for images of the given shape."""
        check_size("EfficientNet-Lite", input_shape, 1)
        return EfficientNetLite(self.size, small=self.small, channels=input_shape[-1], outputs=outputs, rngs=rngs)


class EfficientNetLite(nnx.Module):
    """A 3x3 convolution, seven stages of inverted residuals, a 1x1 convolution, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]` of any size, float. Output: logits `[batch, outputs]`. Strided
    convolutions are padded as in TensorFlow, below and on the right where that is uneven. The published networks were
    trained with stochastic depth, which is not here.

    In the small version the first convolution and the first stage that has it lose their stride of 2, so 32x32
    images end as 4x4.
    """

    def __init__(self, size: int, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        scale = SCALES[size]
        conv = partial(ConvNormReLU6, padding="SAME", momentum=MOMENTUM, epsilon=EPSILON, rngs=rngs)
        linear = partial(ConvNorm, momentum=MOMENTUM, epsilon=EPSILON, rngs=rngs)
        self.stem = conv(channels, STEM_WIDTH, kernel=3, stride=1 if small else 2)
        blocks: list[InvertedResidual] = []
        inputs = STEM_WIDTH
        for stage, (kernel, expansion, width, _, first) in enumerate(STAGES):
            filters = scaled_width(width, scale.width)
            for position in range(blocks_of(size)[stage]):
                stride = first if position == 0 and not (small and stage == 1) else 1
                shape = {"stride": stride, "expansion": expansion, "kernel": kernel}
                blocks.append(InvertedResidual(conv, linear, inputs, filters, **shape))
                inputs = filters
        self.blocks = nnx.List(blocks)
        self.last = conv(inputs, LAST_WIDTH, kernel=1)
        self.pool = GlobalAveragePool()
        self.dropout = Dropout(scale.dropout)
        self.head = nnx.Linear(LAST_WIDTH, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        return self.head(self.dropout(self.pool(self.last(x))))


def blocks_of(size: int) -> tuple[int, ...]:
    """How many blocks each stage of EfficientNet-Lite`size` has; the first and the last stage are not scaled."""
    inner = (ceil(count * SCALES[size].depth) for *_, count, _ in STAGES[1:-1])
    return STAGES[0][3], *inner, STAGES[-1][3]


def scaled_width(width: int, factor: float) -> int:
    """The multiple of 8 nearest to `width * factor`, or the next one where that loses more than a tenth."""
    exact = width * factor
    rounded = max(DIVISOR, int(exact + DIVISOR / 2) // DIVISOR * DIVISOR)
    return rounded + DIVISOR if rounded < 0.9 * exact else rounded
