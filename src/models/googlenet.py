"""GoogLeNet, the first network of Inception modules.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich 2014: Going Deeper with Convolutions
(arXiv:1409.4842), Table 1 and Fig. 3; chapter Figs 31-32.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field

from ..layers.blocks import ConvNormReLU, ConvReLU, Flatten, Identity, LocalResponseNorm, he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import AdaptiveAveragePool, AveragePool, GlobalAveragePool, MaxPool
from .base import Heads, ImageShape, ModelSettings, Published, check_size

Variant = Literal["paper", "torchvision"]


class Widths(NamedTuple):
    """Filters of an Inception module; `reduced` ones are the 1x1 convolutions before larger filters."""

    one: int
    reduced_three: int
    three: int
    reduced_five: int
    five: int
    pool: int


BODY: dict[str, Widths | None] = {
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "pool3": None,
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "pool4": None,
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}
"""Inception modules by the names of the paper, with the max-pooling between them."""

AUXILIARY = ("4a", "4d")
"""Modules after which there is an auxiliary classifier."""
AUXILIARY_WEIGHT = 0.3
AUXILIARY_DROPOUT = 0.7


class GoogLeNetSettings(ModelSettings):
    """Settings of a GoogLeNet."""

    variant: Variant
    auxiliary: bool
    dropout: Annotated[float, Field(ge=0, lt=1)]
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "GoogLeNet":
        """Builds the network for images of the given shape."""
        needed = VARIANTS[self.variant].smallest_4a[self.auxiliary]
        smallest = 2 * needed if self.small else 16 * needed - 1
        check_size("GoogLeNet", input_shape, smallest, small=self.small)
        return GoogLeNet(self, input_shape, outputs, rngs=rngs)


class GoogLeNet(nnx.Module):
    """Three convolutions, nine Inception modules, global average pooling, dropout, a linear layer.

    Input: images `[batch, height, width, channels]`, float. Output: logits `[batch, outputs]`; in training, with
    auxiliary classifiers, `Heads` of three logits. Modules see images of 224x224 as 28x28,
    14x14 and 7x7.

    Differs from the paper: the paper gives no constants of its local response normalization, so those of Krizhevsky et
    al. 2012 are used. torchvision has batch normalization instead and no biases, 3x3 filters instead of 5x5, and
    average pooling to 4x4 before the auxiliary classifiers.

    In the small version the first convolution has stride 1 and the first two max-poolings are left out, so 32x32
    images are seen as 32x32, 16x16 and 8x8.
    """

    def __init__(self, settings: GoogLeNetSettings, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> None:
        details = VARIANTS[settings.variant]
        conv = partial(details.conv, rngs=rngs)
        *sides, channels = input_shape
        self.deterministic = False  # set by `module.train()` and `module.eval()`

        self.stem = nnx.List(_stem(conv, channels, norm=details.norm, small=settings.small))
        self.body: nnx.Dict = nnx.Dict()
        self.auxiliary: nnx.Dict = nnx.Dict()
        width = 192
        for name, widths in BODY.items():
            if widths is None:
                self.body[name] = MaxPool(details.last_pool if name == "pool4" else 3, 2, ceil=True)
                continue
            self.body[name] = Inception(width, widths, conv=conv, five=details.five)
            width = self.body[name].outputs
            if settings.auxiliary and name in AUXILIARY:
                shape = (*(_side_of_4a(side, settings.small) for side in sides), width)
                self.auxiliary[name] = Auxiliary(details.auxiliary_pool(), conv, shape, outputs, rngs=rngs)
        self.pool = GlobalAveragePool()
        self.dropout = Dropout(settings.dropout)
        self.head = nnx.Linear(width, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Heads | Float[Array, "b outputs"]:
        x = images
        for layer in self.stem:
            x = layer(x)
        auxiliary = []
        for name in BODY:
            x = self.body[name](x)
            if name in self.auxiliary and not self.deterministic:
                auxiliary.append(self.auxiliary[name](x))
        logits = self.head(self.dropout(self.pool(x)))
        return Heads(logits, tuple(auxiliary), AUXILIARY_WEIGHT) if auxiliary else logits


def _stem(conv: Callable[..., nnx.Module], channels: int, *, norm: type[nnx.Module], small: bool) -> list[nnx.Module]:
    """The layers before the first Inception module."""
    shrink = Identity if small else partial(MaxPool, 3, 2, ceil=True)
    first = conv(channels, 64, kernel=7, stride=1 if small else 2)
    return [first, shrink(), norm(), conv(64, 64, kernel=1), conv(64, 192, kernel=3), norm(), shrink()]


def _side_of_4a(side: int, small: bool) -> int:
    """The side of the maps at module 4a: the first convolution rounds up, the pooling layers round down."""
    return side // 2 if small else (side + 1) // 2 // 8


class Inception(nnx.Module):
    """Parallel filters of several sizes, each after a 1x1 bottleneck (chapter Fig. 32).

    Input `[batch, height, width, inputs]`, output `[batch, height, width, one + three + five + pool]`. `conv` makes a
    convolution with its nonlinearity; `five` is the side of the largest filters.
    """

    def __init__(self, inputs: int, widths: Widths, *, conv: Callable[..., nnx.Module], five: int = 5) -> None:
        self.outputs = widths.one + widths.three + widths.five + widths.pool
        self.one = conv(inputs, widths.one, kernel=1)
        self.reduced_three = conv(inputs, widths.reduced_three, kernel=1)
        self.three = conv(widths.reduced_three, widths.three, kernel=3)
        self.reduced_five = conv(inputs, widths.reduced_five, kernel=1)
        self.five = conv(widths.reduced_five, widths.five, kernel=five)
        self.pool = MaxPool(3, 1, padding=1)
        self.pooled = conv(inputs, widths.pool, kernel=1)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        three = self.three(self.reduced_three(x))
        five = self.five(self.reduced_five(x))
        return jnp.concatenate([self.one(x), three, five, self.pooled(self.pool(x))], axis=-1)


class Auxiliary(nnx.Module):
    """An auxiliary classifier: average pooling, a 1x1 convolution, two linear layers with dropout between them.

    Input `[batch, *shape]`, output: logits `[batch, outputs]`.
    """

    def __init__(
        self,
        pool: Callable[..., Array],
        conv: Callable[..., nnx.Module],
        shape: ImageShape,
        outputs: int,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        _, height, width, inputs = jax.eval_shape(pool, jax.ShapeDtypeStruct((1, *shape), jnp.float32)).shape
        self.pool = pool
        self.conv = conv(inputs, 128, kernel=1)
        self.flatten = Flatten()
        self.hidden = nnx.Linear(128 * height * width, 1024, kernel_init=he_normal, rngs=rngs)
        self.dropout = Dropout(AUXILIARY_DROPOUT)
        self.head = nnx.Linear(1024, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.flatten(self.conv(self.pool(x)))
        return self.head(self.dropout(nnx.relu(self.hidden(x))))


class Details(NamedTuple):
    """The differences between the variants.

    Attributes:
        conv: makes a convolution with its nonlinearity.
        norm: the normalization around the second and third convolution.
        five: side of the largest filters of a module.
        last_pool: side of the windows between modules 4e and 5a.
        auxiliary_pool: makes the first layer of an auxiliary classifier.
        smallest_4a: side of the smallest maps at module 4a, without and with auxiliary classifiers.
    """

    conv: Callable[..., nnx.Module]
    norm: type[nnx.Module]
    five: int
    last_pool: int
    auxiliary_pool: Callable[[], nnx.Module]
    smallest_4a: tuple[int, int]


VARIANTS: dict[Variant, Details] = {
    "paper": Details(ConvReLU, LocalResponseNorm, 5, 3, partial(AveragePool, 5, 3), (2, 5)),
    "torchvision": Details(
        partial(ConvNormReLU, epsilon=1e-3), Identity, 3, 2, partial(AdaptiveAveragePool, 4), (1, 1)
    ),
}
