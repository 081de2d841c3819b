"""NASNet-A: a network of two kinds of cells that a search found.

Zoph, Vasudevan, Shlens, Le 2017: Learning Transferable Architectures for Scalable Image Recognition (arXiv:1707.07012),
Figs 2 and 4; listed in chapter Fig. 26.
"""

from collections.abc import Iterator
from functools import partial
from typing import Literal, NamedTuple

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvNorm, Identity, he_normal
from ..layers.pooling import AveragePool, GlobalAveragePool, MaxPool, Pool
from ..layers.separable import SeparableNorm
from .base import ImageShape, ModelSettings, Published, check_size

EPSILON = 1e-3
MOMENTUM = 0.9997
SMALL_MOMENTUM = 0.9

Operation = int | Literal["max", "average", "same"]
"""Separable convolutions with filters of that side, 3x3 pooling, or the identity."""


class Kind(NamedTuple):
    """A kind of cell of the paper.

    Attributes:
        stride: of the operations on the two inputs.
        sums: two operations each, and the numbers of the maps they are applied to; map 0 is the output of the cell
            before, map 1 that of an earlier one, both brought to the filters of this cell; sums are maps 2, 3, ...
        outputs: maps that are concatenated.
    """

    stride: int
    sums: tuple[tuple[tuple[Operation, int], tuple[Operation, int]], ...]
    outputs: tuple[int, ...]


NORMAL = Kind(
    stride=1,
    sums=(
        ((5, 0), (3, 1)),
        ((5, 1), (3, 1)),
        (("average", 0), ("same", 1)),
        (("average", 1), ("average", 1)),
        ((3, 0), ("same", 0)),
    ),
    outputs=(1, 2, 3, 4, 5, 6),
)
REDUCTION = Kind(
    stride=2,
    sums=(
        ((5, 0), (7, 1)),
        (("max", 0), (7, 1)),
        (("average", 0), (5, 1)),
        (("average", 2), ("same", 3)),
        ((3, 2), ("max", 0)),
    ),
    outputs=(3, 4, 5, 6),
)


class Plan(NamedTuple):
    """The shape of a network.

    Attributes:
        side: of the published images.
        stem: filters of the convolution.
        cells: normal cells in each of three stages.
        filters: of the cells in the first stage; the others have twice and four times as many.
        skips: whether the second input of a cell after a reduction is the one from before the reduction's input.
    """

    side: int
    stem: int
    cells: int
    filters: int
    skips: bool


PLANS = {
    "mobile": Plan(side=224, stem=32, cells=4, filters=44, skips=False),
    "large": Plan(side=331, stem=96, cells=6, filters=168, skips=True),
}


class NASNetSettings(ModelSettings):
    """Settings of a NASNet-A."""

    size: Literal["mobile", "large"]
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        side = PLANS[self.size].side
        return Published((side, side, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "NASNet":
        """Builds the network for images of at least 3x3 pixels, or of any size if it is the small one."""
        check_size(f"NASNet-A {self.size}", input_shape, 1 if self.small else 3, small=self.small)
        return NASNet(PLANS[self.size], small=self.small, channels=input_shape[-1], outputs=outputs, rngs=rngs)


def places(plan: Plan, *, small: bool) -> Iterator[tuple[Kind, int, bool]]:
    """Kind and filters of each cell, and whether the next one skips its input."""
    if not small:
        yield from ((REDUCTION, plan.filters // 4, False), (REDUCTION, plan.filters // 2, False))
    for stage in range(3):
        filters = plan.filters * 2**stage
        if stage > 0:
            yield REDUCTION, filters, plan.skips
        yield from [(NORMAL, filters, False)] * plan.cells


class NASNet(nnx.Module):
    """A 3x3 convolution, two reduction cells, three stages of cells, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float. Output: logits `[batch, outputs]`. The stages see images of
    224x224 as 28x28, 14x14 and 7x7, those of 331x331 as 42x42, 21x21 and 11x11.

    As in Keras. Differs from the paper: no auxiliary classifier, no dropout before the linear layer, no drop-path.

    The small version starts like the paper's networks for CIFAR: a convolution of stride 1 and no cells before the
    stages, which see images of 32x32 as 32x32, 16x16 and 8x8. The momentum of its running statistics is 0.9, as in the
    authors' code for CIFAR: with 0.9997 they depend on their initial values for ten thousand steps.
    """

    def __init__(self, plan: Plan, *, small: bool, channels: int, outputs: int, rngs: nnx.Rngs) -> None:
        momentum = SMALL_MOMENTUM if small else MOMENTUM
        stem = partial(ConvNorm, kernel=3, momentum=momentum, epsilon=EPSILON, rngs=rngs)
        self.stem = stem(channels, plan.stem) if small else stem(channels, plan.stem, stride=2, padding="VALID")
        self.cells: nnx.List = nnx.List()
        self.skipped: tuple[bool, ...] = ()
        now = before = plan.stem
        halve = False
        for number, (kind, filters, skipped) in enumerate(places(plan, small=small)):
            # # Keras does not fit the output of the first convolution to the filters of the first cell.
            fit = None if number == 0 and not small else Halve if halve else Fit
            self.cells.append(Cell(kind, filters, (now, before), fit, momentum=momentum, rngs=rngs))
            self.skipped += (skipped,)
            now, before, halve = filters * len(kind.outputs), before if skipped else now, kind is REDUCTION
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(now, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        now = before = self.stem(images)
        for cell, skipped in zip(self.cells, self.skipped, strict=True):
            now, before = cell(now, before), before if skipped else now
        return self.head(self.pool(nnx.relu(now)))


class Cell(nnx.Module):
    """Sums of two operations each, on the two inputs and on other sums (Fig. 4 of the paper).

    Input: the output of the previous cell, `[batch, height, width, channels]`, and an earlier one of the same or twice
    the size. Output: `[batch, height / stride, width / stride, maps * filters]`, rounded up.

    `widths` are the channels of these two; `fit` brings the earlier one to the size and filters of this cell.
    """

    def __init__(
        self,
        kind: Kind,
        filters: int,
        widths: tuple[int, int],
        fit: "type[Fit | Halve] | None",
        *,
        momentum: float,
        rngs: nnx.Rngs,
    ) -> None:
        self.kind = kind
        now, before = widths
        self.now = Fit(now, filters, momentum=momentum, rngs=rngs)
        self.before = fit(before, filters, momentum=momentum, rngs=rngs) if fit else Identity()
        inputs = [filters, filters if fit else before, *[filters] * len(kind.sums)]
        strides = [kind.stride, kind.stride, *[1] * len(kind.sums)]
        make = partial(_operation, outputs=filters, momentum=momentum, rngs=rngs)
        self.sums: nnx.List = nnx.List()
        for pair in kind.sums:
            self.sums.append(nnx.List([make(what, inputs[number], strides[number]) for what, number in pair]))

    def __call__(self, now: Float[Array, "b h w c"], before: Float[Array, "b h2 w2 d"]) -> Float[Array, "b h3 w3 e"]:
        maps = [self.now(now), self.before(before)]
        for layers, pair in zip(self.sums, self.kind.sums, strict=True):
            left, right = (layer(maps[number]) for layer, (_, number) in zip(layers, pair, strict=True))
            maps.append(left + right)
        return jnp.concatenate([maps[number] for number in self.kind.outputs], axis=-1)


def _operation(
    what: Operation, inputs: int, stride: int, *, outputs: int, momentum: float, rngs: nnx.Rngs
) -> nnx.Module:
    """The layer for an operation."""
    if isinstance(what, int):
        return Separables(inputs, outputs, kernel=what, stride=stride, momentum=momentum, rngs=rngs)
    if what == "same":
        return Identity()
    pool = MaxPool if what == "max" else AveragePool
    return ZeroEdge(pool(3, 2)) if stride == 2 else pool(3, 1, padding="SAME")


class Fit(ConvNorm):
    """ReLU, a 1x1 convolution, batch normalization: from `[b, h, w, inputs]` to `[b, h, w, outputs]`."""

    def __init__(self, inputs: int, outputs: int, *, momentum: float, rngs: nnx.Rngs) -> None:
        super().__init__(inputs, outputs, kernel=1, momentum=momentum, epsilon=EPSILON, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        return super().__call__(nnx.relu(x))


class Halve(nnx.Module):
    """ReLU, two 1x1 convolutions of stride 2, the second shifted by one pixel, batch normalization.

    Input `[batch, height, width, inputs]`, output `[batch, height / 2, width / 2, outputs]`, rounded up.
    """

    def __init__(self, inputs: int, outputs: int, *, momentum: float, rngs: nnx.Rngs) -> None:
        conv = partial(nnx.Conv, kernel_size=(1, 1), strides=2, use_bias=False, kernel_init=he_normal, rngs=rngs)
        self.even, self.odd = conv(inputs, outputs // 2), conv(inputs, outputs // 2)
        self.norm = nnx.BatchNorm(outputs, momentum=momentum, epsilon=EPSILON, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        x = nnx.relu(x)
        shifted = jnp.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))[:, 1:, 1:]
        return self.norm(jnp.concatenate([self.even(x), self.odd(shifted)], axis=-1))


class Separables(nnx.Module):
    """ReLU, a separable convolution and batch normalization, twice; the first has the stride.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, outputs]`, rounded up.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, momentum: float, rngs: nnx.Rngs) -> None:
        make = partial(SeparableNorm, kernel=kernel, momentum=momentum, epsilon=EPSILON, rngs=rngs)
        self.first, self.second = make(inputs, outputs, stride=stride), make(outputs, outputs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.second(nnx.relu(self.first(nnx.relu(x))))


class ZeroEdge(nnx.Module):
    """3x3 pooling of stride 2 that counts padding as zeros, as Keras does.

    Input `[batch, height, width, channels]`, output `[batch, height / 2, width / 2, channels]`, rounded up.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        edges = [(side % 2, 1) for side in x.shape[1:3]]
        return self.pool(jnp.pad(x, ((0, 0), *edges, (0, 0))))
