"""Inception-ResNet-v2: Inception modules with shortcuts around them.

Szegedy, Ioffe, Vanhoucke, Alemi 2016: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning
(arXiv:1602.07261), Figs 15-20; after chapter Figs 31-32 and 34.
"""

from collections.abc import Callable
from functools import partial

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import he_normal
from ..layers.branches import (
    SMALL_STEM,
    STEM,
    Branches,
    Chain,
    Conv,
    Steps,
    keras_average,
    keras_conv,
    reduce,
    smallest_side,
)
from ..layers.pooling import GlobalAveragePool
from .base import ImageShape, ModelSettings, Published, check_size

FIRST: Steps = (((Conv(96),), (Conv(48), Conv(64, 5)), (Conv(64), Conv(96, 3), Conv(96, 3)), ("average", Conv(64))),)
A: Steps = ((Conv(32),), (Conv(32), Conv(32, 3)), (Conv(32), Conv(48, 3), Conv(64, 3)))
REDUCE_A: Steps = (((reduce(384),), (Conv(256), Conv(256, 3), reduce(384)), ("max",)),)
B: Steps = ((Conv(192),), (Conv(128), Conv(160, (1, 7)), Conv(192, (7, 1))))
REDUCE_B: Steps = (
    ((Conv(256), reduce(384)), (Conv(256), reduce(288)), (Conv(256), Conv(288, 3), reduce(320)), ("max",)),
)
C: Steps = ((Conv(192),), (Conv(192), Conv(224, (1, 3)), Conv(256, (3, 1))))
LAST: Steps = (Conv(1536),)

STAGES: tuple[tuple[Steps, Steps, int, float], ...] = (
    (FIRST, A, 10, 0.17),
    (REDUCE_A, B, 20, 0.1),
    (REDUCE_B, C, 9, 0.2),
)
"""Each stage: the layers before its modules, its residual module, the number of modules, and their scale."""


class InceptionResNetV2Settings(ModelSettings):
    """Settings of an Inception-ResNet-v2."""

    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((299, 299, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "InceptionResNetV2":
        """Builds the network for images of the given shape."""
        channels = input_shape[-1]
        stem = SMALL_STEM if self.small else STEM
        smallest = smallest_side(stem + FIRST + REDUCE_A + REDUCE_B)
        check_size("Inception-ResNet-v2", input_shape, smallest, small=self.small)
        return InceptionResNetV2(stem, channels, outputs, rngs=rngs)


class InceptionResNetV2(nnx.Module):
    """Five convolutions, forty residual Inception modules in three stages, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float. Output: logits `[batch, outputs]`. The stages see images of
    299x299 as 35x35, 17x17 and 8x8.

    As in Keras, which follows the authors' code. Differs from the paper: the stem is that of Inception-v3 with one more
    module, the stages have twice as many modules, of other widths, and there is no dropout.

    In the small version the first convolution has stride 1 and both max-poolings of the stem are left out. The stages
    see images of 32x32 as 26x26, 12x12 and 5x5.
    """

    def __init__(self, stem: Steps, channels: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        conv = partial(keras_conv, rngs=rngs)
        self.stem = Chain(channels, stem, conv, keras_average)
        width = self.stem.outputs
        self.layers: nnx.List = nnx.List()
        for first, module, count, scale in STAGES:
            self.layers.append(Chain(width, first, conv, keras_average))
            width = self.layers[-1].outputs
            self.layers.extend(Residual(width, module, conv, scale=scale, rngs=rngs) for _ in range(count))
        # # The last module is neither scaled nor followed by a nonlinearity.
        self.layers.append(Residual(width, C, conv, scale=1.0, relu=False, rngs=rngs))
        self.last = Chain(width, LAST, conv, keras_average)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(self.last.outputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.stem(images)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.pool(self.last(x)))


class Residual(nnx.Module):
    """Branches, a 1x1 convolution to the channels of the input, and their scaled sum with the input.

    Without scaling, networks of more than a thousand filters died in training (section 3.3 of the paper).

    Input `[batch, height, width, width of the stage]`, output of the same shape.
    """

    def __init__(
        self,
        inputs: int,
        branches: Steps,
        conv: Callable[..., nnx.Module],
        *,
        scale: float,
        relu: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        self.scale, self.relu = scale, relu
        self.branches = Branches(inputs, branches, conv, keras_average)
        self.widen = nnx.Conv(self.branches.outputs, inputs, (1, 1), kernel_init=he_normal, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        y = x + self.scale * self.widen(self.branches(x))
        return nnx.relu(y) if self.relu else y
