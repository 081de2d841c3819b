"""Residual networks for small images whose normalization and activation come before the convolution.

He, Zhang, Ren, Sun 2016: Identity Mappings in Deep Residual Networks (arXiv:1603.05027), Fig. 4e and appendix. Veit,
    Wilber, Belongie 2016 (arXiv:1605.06431) remove blocks of the one with 54 blocks; chapter Figs 37-38.
"""

from functools import partial
from typing import Any

from flax import nnx
from jaxtyping import Array, Float
from pydantic import field_validator

from ..layers.blocks import ConvNormReLU, he_normal
from ..layers.pooling import GlobalAveragePool
from ..layers.shortcuts import Shortcut, make_shortcut
from .base import ImageShape, ModelSettings, Published, check_depth, check_size
from .resnet import EXPANSION
from .resnet_cifar import SMALLEST, STAGE_WIDTHS
from .sizes import Depth


class PreActivationSettings(ModelSettings):
    """Settings of a network of `depth` = 6n + 2 weighted layers, or 9n + 2 in bottlenecks."""

    bottleneck: bool
    depth: Depth
    shortcut: Shortcut

    @field_validator("depth")
    @classmethod
    def _whole_blocks(cls, depth: int, info: Any) -> int:
        bottleneck = info.data.get("bottleneck", False)
        name = f"a pre-activation ResNet {'with' if bottleneck else 'without'} bottlenecks"
        return check_depth(name, depth, each=9 if bottleneck else 6, others=2)

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "PreActivationResNet":
        """Builds the network for images of the given shape."""
        check_size("a pre-activation ResNet", input_shape, SMALLEST)
        return PreActivationResNet(
            (self.depth - 2) // (9 if self.bottleneck else 6),
            self.shortcut,
            bottleneck=self.bottleneck,
            channels=input_shape[-1],
            outputs=outputs,
            rngs=rngs,
        )


class PreActivationResNet(nnx.Module):
    """A 3x3 convolution of 16 filters, three stages of blocks, a normalization, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, any size of at least 4x4, float. Output: logits
    `[batch, outputs]`. The stages have `width` times 16, 32 and 64 filters, or four times these in bottlenecks. Unlike
    the paper's best wide networks, blocks have no dropout.

    Attributes:
        blocks: see `PreActivationBlock`; each may be replaced by a module with the same output shape.
    """

    def __init__(
        self,
        blocks: int,
        shortcut: Shortcut,
        width: int = 1,
        *,
        bottleneck: bool = False,
        channels: int,
        outputs: int,
        rngs: nnx.Rngs,
    ) -> None:
        """Makes all layers; `blocks` is the number per stage."""
        inputs = STAGE_WIDTHS[0]
        self.stem = nnx.Conv(channels, inputs, (3, 3), padding=1, use_bias=False, kernel_init=he_normal, rngs=rngs)
        made: list[PreActivationBlock] = []
        for filters in (width * filters for filters in STAGE_WIDTHS):
            shape = ((1, filters), (3, filters), (1, EXPANSION * filters)) if bottleneck else ((3, filters),) * 2
            for position in range(blocks):
                stride = 2 if position == 0 and made else 1
                made.append(PreActivationBlock(inputs, shape, stride, shortcut, first=not made, rngs=rngs))
                inputs = shape[-1][1]
        self.blocks = nnx.List(made)
        self.norm = nnx.BatchNorm(inputs, momentum=0.9, rngs=rngs)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(nnx.relu(self.norm(x))))


class PreActivationBlock(nnx.Module):
    """A normalization and a ReLU, a branch of convolutions, and a shortcut to which the branch is added.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, filters of the last]`. The
    shortcut starts before the normalization, so that the signal passes unchanged. It starts after the ReLU if it is a
    convolution (the authors' code) and in the first block (the paper's appendix).

    Attributes:
        halves: whether it halves the image.
        branch: the residual branch. Replaced by a module that returns zeros, only the shortcut remains.
        shortcut: the module that `branch` is added to; None in a plain network.
    """

    def __init__(
        self,
        inputs: int,
        shape: tuple[tuple[int, int], ...],
        stride: int,
        shortcut: Shortcut,
        *,
        first: bool,
        rngs: nnx.Rngs,
    ) -> None:
        """Makes all layers; `shape` has side and number of filters of each convolution."""
        outputs = shape[-1][1]
        project = partial(_conv, inputs, outputs, 1, stride, rngs)
        self.halves = stride > 1
        self.norm = nnx.BatchNorm(inputs, momentum=0.9, rngs=rngs)
        self.branch = Branch(inputs, shape, stride, rngs=rngs)
        self.shortcut = make_shortcut(shortcut, inputs, outputs, stride, project=project)
        self.activated = first or isinstance(self.shortcut, nnx.Conv)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        active = nnx.relu(self.norm(x))
        added = self.branch(active)
        return added if self.shortcut is None else self.shortcut(active if self.activated else x) + added


class Branch(nnx.Module):
    """Convolutions with a normalization and a ReLU between them; the first one strides, as in the authors' code.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, filters of the last]`.
    """

    def __init__(self, inputs: int, shape: tuple[tuple[int, int], ...], stride: int, *, rngs: nnx.Rngs) -> None:
        *inner, (kernel, outputs) = shape
        convs: list[ConvNormReLU] = []
        for side, filters in inner:
            convs.append(ConvNormReLU(inputs, filters, kernel=side, stride=1 if convs else stride, rngs=rngs))
            inputs = filters
        self.convs = nnx.List(convs)
        self.last = _conv(inputs, outputs, kernel, 1, rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        for conv in self.convs:
            x = conv(x)
        return self.last(x)


def _conv(inputs: int, outputs: int, kernel: int, stride: int, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(
        inputs,
        outputs,
        (kernel, kernel),
        strides=stride,
        padding=kernel // 2,
        use_bias=False,
        kernel_init=he_normal,
        rngs=rngs,
    )
