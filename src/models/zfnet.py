"""ZFNet: AlexNet with a finer look at the image.

Zeiler, Fergus: Visualizing and Understanding Convolutional Networks (2013, arXiv:1311.2901), Fig. 3; chapter Fig. 29.
"""

from itertools import count

from flax import nnx
from jaxtyping import Array, Float

from src.models.alexnet import DENSE, SMALL_DENSE, Conv, ConvReLU, dense_blocks
from src.models.base import ImageShape, ModelSettings, Published, check_size
from src.models.blocks import Flatten, LocalResponseNorm, he_normal
from src.models.pooling import MaxPool

FIRST = (Conv(96, 7, stride=2, padding=1), Conv(256, 5, stride=2))
SMALL_FIRST = (Conv(96, 3, padding=1), Conv(256, 5, padding=2))
LATER = (Conv(384, 3, padding=1), Conv(384, 3, padding=1), Conv(256, 3, padding=1))
NORMALIZED = (0, 1)
POOLED = (0, 1, 4)


class ZFNetSettings(ModelSettings):
    """Settings of the network; `small` is for images of about 32x32 pixels."""

    small: bool

    @property
    def published(self) -> Published:
        """ImageNet; CIFAR-10 for the small version."""
        return Published((32, 32, 3), 10) if self.small else Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "ZFNet":
        """Builds the network for images of the given shape."""
        smallest = next(side for side in count(1) if _side(side, _convs(self.small)) > 0)
        check_size("ZFNet", input_shape, smallest, small=self.small)
        return ZFNet(input_shape, small=self.small, outputs=outputs, rngs=rngs)


class ZFNet(nnx.Module):
    """Five convolutions, three of them with max-pooling, then two dense layers of 4096 and a linear one.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, float. Output: logits
    `[batch, outputs]`. Against AlexNet the first filters are 7x7 with stride 2, not 11x11 with stride 4, nothing is
    grouped, and the normalization follows the pool. The paper's sizes 110, 26, 13, 6 follow from padding the first
    convolution by 1 and from pools whose last window may hang over the edge. Its contrast normalization across maps is
    taken to be AlexNet's; its renormalization of the first filters during training is left out. The small version has
    a first convolution of 3x3, both first convolutions without a stride, and one dense layer of 512 in place of two.
    """

    def __init__(self, input_shape: ImageShape, *, small: bool, outputs: int, rngs: nnx.Rngs) -> None:
        height, width, channels = input_shape
        convs = _convs(small)
        features: list[nnx.Module] = []
        for number, conv in enumerate(convs):
            features.append(ConvReLU(channels, conv, rngs=rngs))
            if number in POOLED:
                features.append(MaxPool(3, 2, ceil=True))
            if number in NORMALIZED:
                features.append(LocalResponseNorm())
            channels = conv.filters
        self.features = nnx.List(features)
        self.flatten = Flatten()
        widths = (_side(height, convs) * _side(width, convs) * channels, *(SMALL_DENSE if small else DENSE))
        self.dense = dense_blocks(widths, rngs=rngs)
        self.head = nnx.Linear(widths[-1], outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = images
        for layer in self.features:
            x = layer(x)
        x = self.flatten(x)
        for block in self.dense:
            x = block(x)
        return self.head(x)


def _convs(small: bool) -> tuple[Conv, ...]:
    return (*(SMALL_FIRST if small else FIRST), *LATER)


def _side(side: int, convs: tuple[Conv, ...]) -> int:
    """The side of the last feature maps."""
    for number, conv in enumerate(convs):
        side = conv.after(side)
        if number in POOLED:
            side = (side - 2) // 2 + 1
    return side
