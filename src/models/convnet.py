"""The chapter's own ConvNet; Figs 9 and 10."""

from functools import partial
from typing import Annotated, Literal

from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field

from ..layers.blocks import ConvNorm, Flatten, he_normal
from ..layers.pooling import GlobalMaxPool, MaxPool
from .base import ImageShape, ModelSettings, Published, check_size
from .sizes import Channels

SMALLEST = 24

Collect = Literal["flatten", "global_max"]


class ConvNetSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        collect: how the last feature maps become a vector.
        filters: of the five convolutions.
        batch_norm: whether there is batch normalization after each of them (Ioffe and Szegedy 2015), before ReLU.
    """

    collect: Collect
    filters: Annotated[list[Channels], Field(min_length=5, max_length=5)]
    batch_norm: bool

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "ConvNet":
        """Builds the network for images of the given shape."""
        check_size("the ConvNet", input_shape, SMALLEST)
        return ConvNet(self, input_shape, outputs=outputs, rngs=rngs)


class ConvNet(nnx.Module):
    """Five 3x3 convolutions, max-pooling after the second and the fourth, a dense layer of 1024, a linear layer.

    Input: images `[batch, height, width, channels]` of at least 24x24, float; with `flatten` of the one size that it
    was built for. Output: logits `[batch, outputs]`. Nothing is padded: 32x32 becomes 30, 28, 14, 12, 10, 5 and 3.
    There is no paper. The numbers of filters, 32, 32, 64, 64, 64, follow from the multiplications that the chapter
    counts.
    """

    def __init__(self, settings: ConvNetSettings, input_shape: ImageShape, *, outputs: int, rngs: nnx.Rngs) -> None:
        *size, channels = input_shape
        one, two, three, four, five = settings.filters
        conv = partial(_conv, batch_norm=settings.batch_norm, rngs=rngs)
        self.conv1 = conv(channels, one)
        self.conv2 = conv(one, two)
        self.pool1 = MaxPool(2)
        self.conv3 = conv(two, three)
        self.conv4 = conv(three, four)
        self.pool2 = MaxPool(2)
        self.conv5 = conv(four, five)
        self.collect = Flatten() if settings.collect == "flatten" else GlobalMaxPool()
        height, width = (((side - 4) // 2 - 4) // 2 - 2 for side in size)
        pixels = height * width if settings.collect == "flatten" else 1
        self.dense = nnx.Linear(pixels * five, 1024, kernel_init=he_normal, rngs=rngs)
        self.head = nnx.Linear(1024, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = nnx.relu(self.conv1(images))
        x = self.pool1(nnx.relu(self.conv2(x)))
        x = nnx.relu(self.conv3(x))
        x = self.pool2(nnx.relu(self.conv4(x)))
        x = nnx.relu(self.conv5(x))
        return self.head(nnx.relu(self.dense(self.collect(x))))


def _conv(inputs: int, filters: int, *, batch_norm: bool, rngs: nnx.Rngs) -> nnx.Conv | ConvNorm:
    if batch_norm:
        return ConvNorm(inputs, filters, kernel=3, padding="VALID", bias=True, rngs=rngs)
    return nnx.Conv(inputs, filters, (3, 3), padding="VALID", kernel_init=he_normal, rngs=rngs)
