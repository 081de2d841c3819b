"""Inception-v3: Inception modules of factorized filters.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna 2015: Rethinking the Inception Architecture for Computer Vision
(arXiv:1512.00567), Table 1 and Figs 5-7 and 10; after chapter Figs 31-32.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

from flax import nnx
from jaxtyping import Array, Float
from pydantic import field_validator

from ..layers.blocks import ConvNormReLU, he_normal
from ..layers.branches import (
    SMALL_STEM,
    STEM,
    Chain,
    Conv,
    Steps,
    keras_average,
    keras_conv,
    reduce,
    smallest_side,
)
from ..layers.dropout import Dropout
from ..layers.pooling import AveragePool, GlobalAveragePool
from .base import Heads, ImageShape, ModelSettings, Published, check_size

Variant = Literal["keras", "torchvision"]


def _a(pool: int) -> Steps:
    average = ("average", Conv(pool))
    return ((Conv(64),), (Conv(48), Conv(64, 5)), (Conv(64), Conv(96, 3), Conv(96, 3)), average)


def _c(n: int) -> Steps:
    once = (Conv(n), Conv(n, (1, 7)), Conv(192, (7, 1)))
    twice = (Conv(n), Conv(n, (7, 1)), Conv(n, (1, 7)), Conv(n, (7, 1)), Conv(192, (1, 7)))
    return ((Conv(192),), once, twice, ("average", Conv(192)))


B: Steps = ((reduce(384),), (Conv(64), Conv(96, 3), reduce(96)), ("max",))
D: Steps = ((Conv(192), reduce(320)), (Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), reduce(192)), ("max",))
SPLIT: Steps = ((Conv(384, (1, 3)),), (Conv(384, (3, 1)),))
E: Steps = ((Conv(320),), (Conv(384), SPLIT), (Conv(448), Conv(384, 3), SPLIT), ("average", Conv(192)))

BEFORE: Steps = (_a(32), _a(64), _a(64), B, _c(128), _c(160), _c(160), _c(192))
"""Modules before the auxiliary classifier."""
AFTER: Steps = (D, E, E)

AUXILIARY_WEIGHT = 0.4
"""From the authors' code; the paper does not give it."""


class InceptionV3Settings(ModelSettings):
    """Settings of an Inception-v3."""

    variant: Variant
    auxiliary: bool
    small: bool

    @field_validator("auxiliary")
    @classmethod
    def _exists_in_this_variant(cls, auxiliary: bool, info: Any) -> bool:
        if auxiliary and info.data.get("variant") == "keras":
            raise ValueError("Keras has no auxiliary classifier; nearest: variant=torchvision, or auxiliary=false")
        return auxiliary

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((299, 299, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "InceptionV3":
        """Builds the network for images of the given shape."""
        channels = input_shape[-1]
        seen = max(smallest_side(AFTER), Auxiliary.smallest(self.small) if self.auxiliary else 1)
        smallest = smallest_side(((SMALL_STEM if self.small else STEM) + BEFORE), seen)
        check_size("Inception-v3", input_shape, smallest, small=self.small)
        return InceptionV3(self, channels, outputs, rngs=rngs)


class InceptionV3(nnx.Module):
    """Five convolutions, eleven Inception modules, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float. Output: logits `[batch, outputs]`; in training, with an
    auxiliary classifier, `Heads` of two logits. Modules see images of 299x299 as 35x35, 17x17 and 8x8.

    Differs from the paper, as the authors' code does: the second half of the stem is a 1x1 and a 3x3 convolution and a
    max-pooling, and the first three modules have a 5x5 filter beside the two of 3x3. Keras has no scale in its batch
    normalization, no dropout and no auxiliary classifier; torchvision counts the zeros around an image in averages.

    In the small version the first convolution has stride 1, both max-poolings before the modules are left out, and the
    auxiliary classifier averages with stride 1. Modules see images of 32x32 as 26x26, 12x12 and 5x5.
    """

    def __init__(self, settings: InceptionV3Settings, channels: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        parts = VARIANTS[settings.variant]
        conv = partial(parts.conv, rngs=rngs)
        self.deterministic = False  # set by `module.train()` and `module.eval()`

        self.stem = Chain(channels, SMALL_STEM if settings.small else STEM, conv, parts.average)
        self.before = Chain(self.stem.outputs, BEFORE, conv, parts.average)
        self.after = Chain(self.before.outputs, AFTER, conv, parts.average)
        self.pool = GlobalAveragePool()
        self.dropout = Dropout(parts.dropout)
        self.head = nnx.Linear(self.after.outputs, outputs, kernel_init=he_normal, rngs=rngs)
        self.auxiliary = (
            Auxiliary(self.before.outputs, outputs, conv, small=settings.small, rngs=rngs)
            if settings.auxiliary
            else None
        )

    def __call__(self, images: Float[Array, "b h w c"]) -> Heads | Float[Array, "b outputs"]:
        x = self.before(self.stem(images))
        logits = self.head(self.dropout(self.pool(self.after(x))))
        if self.auxiliary is None or self.deterministic:
            return logits
        return Heads(logits, (self.auxiliary(x),), AUXILIARY_WEIGHT)


class Auxiliary(nnx.Module):
    """An auxiliary classifier: average pooling, a 1x1 and a 5x5 convolution, global average pooling, a linear layer.

    Input `[batch, height, width, inputs]`, output: logits `[batch, outputs]`.
    """

    def __init__(
        self, inputs: int, outputs: int, conv: Callable[..., ConvNormReLU], *, small: bool, rngs: nnx.Rngs
    ) -> None:
        self.pool = AveragePool(5, 1 if small else 3)
        self.conv1 = conv(inputs, 128, kernel=1)
        self.conv2 = conv(128, 768, kernel=5, padding="VALID")
        self.mean = GlobalAveragePool()
        self.head = nnx.Linear(768, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        return self.head(self.mean(self.conv2(self.conv1(self.pool(x)))))

    @staticmethod
    def smallest(small: bool) -> int:
        """Side of the smallest maps for the 5x5 convolution."""
        return 5 + 4 * (1 if small else 3)


class ZerosAverage(AveragePool):
    """The mean of each 3x3 window, padding included."""

    counts_padding = True

    def __init__(self) -> None:
        super().__init__(3, 1, padding="SAME")


class Parts(NamedTuple):
    """The layers of a variant: convolutions, average pooling in the modules, dropout before the linear layer."""

    conv: Callable[..., ConvNormReLU]
    average: Callable[[], nnx.Module]
    dropout: float


VARIANTS: dict[Variant, Parts] = {
    "keras": Parts(keras_conv, keras_average, 0.0),
    "torchvision": Parts(partial(ConvNormReLU, epsilon=1e-3), ZerosAverage, 0.5),
}
