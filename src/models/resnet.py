"""Residual networks of 18 to 152 layers.

He, Zhang, Ren, Sun 2015: Deep Residual Learning for Image Recognition (arXiv:1512.03385), Table 1; chapter Figs 33-34
and 39. The authors' networks for small images are in resnet_cifar.py.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from flax import nnx
from jaxtyping import Array, Float
from pydantic import model_validator

from ..layers.blocks import ConvNorm, Identity, he_normal
from ..layers.pooling import GlobalAveragePool, MaxPool
from .base import ImageShape, ModelSettings, Published, check_size

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Blocks in each of the four stages, by depth."""

STAGE_WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
"""Output channels of a bottleneck per inner channel."""

Variant = Literal["torchvision", "keras"]


class Details(NamedTuple):
    """The differences between the implementations.

    Attributes:
        bias: whether convolutions have a bias.
        epsilon: of the batch normalization.
        early_stride: whether a bottleneck strides in its first 1x1 convolution, as in the paper, or in its 3x3.
    """

    bias: bool
    epsilon: float
    early_stride: bool


VARIANTS: dict[Variant, Details] = {
    "torchvision": Details(bias=False, epsilon=1e-5, early_stride=False),
    "keras": Details(bias=True, epsilon=1.001e-5, early_stride=True),
}


class ResNetSettings(ModelSettings):
    """Settings of a residual network of `depth` weighted layers."""

    depth: Literal[18, 34, 50, 101, 152]
    variant: Variant
    small: bool

    @model_validator(mode="after")
    def _variant_exists_at_this_depth(self) -> "ResNetSettings":
        if self.variant == "keras" and self.depth < 50:
            raise ValueError("variant=keras has 50, 101 or 152 layers; nearest: depth=50, or variant=torchvision")
        return self

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "ResNet":
        """Builds the network for images of the given shape."""
        check_size(f"ResNet-{self.depth}", input_shape, 1)
        return ResNet(self.depth, self.variant, small=self.small, channels=input_shape[-1], outputs=outputs, rngs=rngs)


class ResNet(nnx.Module):
    """A 7x7 convolution, max-pooling, four stages of residual blocks, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]` of any size, float. Output: logits `[batch, outputs]`. Each
    stage after the first halves the size and doubles the width. Blocks are basic up to 34 layers and bottlenecks
    from 50 on. Shortcuts are the identity, or a 1x1 convolution where the shape changes (option B).

    Differs from the paper: torchvision strides in the 3x3 convolution of a bottleneck; Keras's convolutions have
    biases, which the normalization cancels.

    The small version has a 3x3 stem of stride 1 and no max-pooling, so 32x32 images end as 4x4.

    Args:
        depth: weighted layers on the longest path.
        variant: implementation whose details are used.
        small: whether it is for images near 32x32.
        paths: groups of the 3x3 convolution of a bottleneck; more than one is a ResNeXt.
        path_width: channels of one path in the first stage.
        channels: of the images.
        outputs: length of the vector for one image.
        rngs: source of the initial parameters.
    """

    def __init__(
        self,
        depth: int,
        variant: Variant,
        *,
        small: bool,
        paths: int = 1,
        path_width: int = STAGE_WIDTHS[0],
        channels: int,
        outputs: int,
        rngs: nnx.Rngs,
    ) -> None:
        bias, epsilon, early_stride = VARIANTS[variant]
        conv = partial(ConvNorm, bias=bias, epsilon=epsilon, rngs=rngs)
        bottleneck = partial(Bottleneck, paths=paths, path_width=path_width, early_stride=early_stride)
        block = BasicBlock if depth < 50 else bottleneck

        self.stem = conv(channels, STAGE_WIDTHS[0], kernel=3 if small else 7, stride=1 if small else 2)
        self.shrink = Identity() if small else MaxPool(3, 2, padding=1)
        blocks: list[BasicBlock | Bottleneck] = []
        inputs = STAGE_WIDTHS[0]
        for stage, (count, width) in enumerate(zip(BLOCKS[depth], STAGE_WIDTHS, strict=True)):
            for position in range(count):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(block(conv, inputs, width, stride))
                inputs = blocks[-1].outputs
        self.blocks = nnx.List(blocks)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.shrink(nnx.relu(self.stem(images)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(x))


class BasicBlock(nnx.Module):
    """Two 3x3 convolutions and a shortcut around them (chapter Fig. 34).

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, width of the stage]`.
    """

    def __init__(self, conv: Callable[..., ConvNorm], inputs: int, width: int, stride: int) -> None:
        self.outputs = width
        self.conv1 = conv(inputs, width, kernel=3, stride=stride)
        self.conv2 = conv(width, width, kernel=3)
        self.shortcut = _shortcut(conv, inputs, width, stride)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        y = self.conv2(nnx.relu(self.conv1(x)))
        return nnx.relu(y + self.shortcut(x))


class Bottleneck(nnx.Module):
    """A 1x1 convolution to fewer channels, a 3x3, a 1x1 to four times as many, and a shortcut (chapter Fig. 39).

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, 4 * width of the stage]`.
    """

    def __init__(
        self,
        conv: Callable[..., ConvNorm],
        inputs: int,
        width: int,
        stride: int,
        *,
        paths: int,
        path_width: int,
        early_stride: bool,
    ) -> None:
        self.outputs = EXPANSION * width
        inside = paths * path_width * width // STAGE_WIDTHS[0]
        first, second = (stride, 1) if early_stride else (1, stride)
        self.conv1 = conv(inputs, inside, kernel=1, stride=first)
        self.conv2 = conv(inside, inside, kernel=3, stride=second, groups=paths)
        self.conv3 = conv(inside, self.outputs, kernel=1)
        self.shortcut = _shortcut(conv, inputs, self.outputs, stride)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        y = nnx.relu(self.conv1(x))
        y = self.conv3(nnx.relu(self.conv2(y)))
        return nnx.relu(y + self.shortcut(x))


def _shortcut(conv: Callable[..., ConvNorm], inputs: int, outputs: int, stride: int) -> nnx.Module:
    """The identity if the shapes agree, else a 1x1 convolution."""
    if inputs == outputs and stride == 1:
        return Identity()
    return conv(inputs, outputs, kernel=1, stride=stride)
