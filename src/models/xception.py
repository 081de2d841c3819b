"""Xception: residual blocks of depthwise separable convolutions.

Chollet 2016: Xception: Deep Learning with Depthwise Separable Convolutions (arXiv:1610.02357), Fig. 5; chapter Fig. 42.
"""

from functools import partial

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvNorm, Identity, he_normal
from ..layers.pooling import GlobalAveragePool, MaxPool
from ..layers.separable import SeparableNorm
from .base import ImageShape, ModelSettings, Published, check_size

STEM = (32, 64)
ENTRY = ((128, 128), (256, 256), (728, 728))
MIDDLE = ((728, 728, 728),) * 8
EXIT = ((728, 1024),)
"""Filters of the separable convolutions of each block; the blocks of entry and exit halve the image."""
TAIL = (1536, 2048)

EPSILON = 1e-3
MOMENTUM = 0.99

conv_norm = partial(ConvNorm, epsilon=EPSILON, momentum=MOMENTUM)
separable_norm = partial(SeparableNorm, epsilon=EPSILON, momentum=MOMENTUM)


class XceptionSettings(ModelSettings):
    """Settings of an Xception network."""

    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((299, 299, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "Xception":
        """Builds the network for images of the given shape."""
        channels = input_shape[-1]
        smallest = 5 if self.small else 7
        check_size("Xception", input_shape, smallest, small=self.small)
        return Xception(small=self.small, channels=channels, outputs=outputs, rngs=rngs)


class Xception(nnx.Module):
    """Two convolutions, twelve residual blocks, two separable convolutions, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float. Output: logits `[batch, outputs]`. The middle flow sees
    images of 299x299 as 19x19.

    As in Keras. Differs from the paper: no dropout before the linear layer.

    In the small version the first convolution and the first block have stride 1, so the middle flow sees images of
    32x32 as 7x7.
    """

    def __init__(self, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        first, second = STEM
        self.stem1 = conv_norm(channels, first, kernel=3, stride=1 if small else 2, padding="VALID", rngs=rngs)
        self.stem2 = conv_norm(first, second, kernel=3, padding="VALID", rngs=rngs)
        self.blocks: nnx.List = nnx.List()
        inputs = second
        for number, widths in enumerate((*ENTRY, *MIDDLE, *EXIT)):
            halves = widths not in MIDDLE and not (small and number == 0)
            # # The stem ends with the ReLU with which every other block begins.
            self.blocks.append(Block(inputs, widths, stride=2 if halves else 1, relu_first=number > 0, rngs=rngs))
            inputs = widths[-1]
        self.tail: nnx.List = nnx.List()
        for width in TAIL:
            self.tail.append(separable_norm(inputs, width, rngs=rngs))
            inputs = width
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = nnx.relu(self.stem2(nnx.relu(self.stem1(images))))
        for block in self.blocks:
            x = block(x)
        for layer in self.tail:
            x = nnx.relu(layer(x))
        return self.head(self.pool(x))


class Block(nnx.Module):
    """Separable convolutions with a ReLU before each, max-pooling where the image shrinks, and a shortcut around them.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, widths[-1]]`, rounded up.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], *, stride: int, relu_first: bool, rngs: nnx.Rngs) -> None:
        self.relu_first = relu_first
        self.convs: nnx.List = nnx.List()
        for before, width in zip((inputs, *widths), widths, strict=False):
            self.convs.append(separable_norm(before, width, rngs=rngs))
        self.pool = MaxPool(3, stride, padding="SAME") if stride > 1 else Identity()
        same = stride == 1 and inputs == widths[-1]
        self.shortcut = Identity() if same else conv_norm(inputs, widths[-1], kernel=1, stride=stride, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        y = x
        for number, conv in enumerate(self.convs):
            y = conv(nnx.relu(y) if number > 0 or self.relu_first else y)
        return self.pool(y) + self.shortcut(x)
