"""ZFNet: AlexNet with smaller first filters and strides.

Zeiler, Fergus: Visualizing and Understanding Convolutional Networks (2013, arXiv:1311.2901), Fig. 3; chapter Fig. 29.
"""

from flax import nnx

from .base import ImageShape, ModelSettings, Published, check_size
from .convs_then_dense import Conv, ConvsThenDense, Norm, Pool, Steps, smallest_side

POOLED = (Pool(ceil=True), Norm())
LATER = (Conv(384, 3, padding=1), Conv(384, 3, padding=1), Conv(256, 3, padding=1), Pool(ceil=True))
LAYERS: Steps = (Conv(96, 7, stride=2, padding=1), *POOLED, Conv(256, 5, stride=2), *POOLED, *LATER)
SMALL_LAYERS: Steps = (Conv(96, 3, padding=1), *POOLED, Conv(256, 5, padding=2), *POOLED, *LATER)


class ZFNetSettings(ModelSettings):
    """Settings of the network; `small` is for images of about 32x32 pixels."""

    small: bool

    @property
    def published(self) -> Published:
        """ImageNet; CIFAR-10 for the small version."""
        return Published((32, 32, 3), 10) if self.small else Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "ZFNet":
        """Builds the network for images of the given shape."""
        steps = SMALL_LAYERS if self.small else LAYERS
        check_size("ZFNet", input_shape, smallest_side(steps), small=self.small)
        return ZFNet(steps, input_shape, small=self.small, outputs=outputs, rngs=rngs)


class ZFNet(ConvsThenDense):
    """Five convolutions, three of them with max-pooling, then two dense layers of 4096 and a linear one.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, float. Output: logits
    `[batch, outputs]`. Unlike in AlexNet, the first filters are 7x7 with stride 2, not 11x11 with stride 4, there are
    no groups, and normalization comes after the pooling. The paper's sizes 110, 26, 13, 6 imply padding of 1 in the
    first convolution and pooling whose last window may extend beyond the edge. Its contrast normalization across maps
    is implemented as AlexNet's; its renormalization of the first filters during training is left out. The small version
    has a first convolution of 3x3, stride 1 in the first two convolutions, and one dense layer of 512 instead of two.
    """
