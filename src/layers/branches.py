"""Branches of layers built from tables, for Inception-v3 and Inception-ResNet-v2.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna 2015: Rethinking the Inception Architecture for Computer Vision
(arXiv:1512.00567); after chapter Figs 31-32. The stem and Keras's details are the same in both networks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from .blocks import ConvNormReLU
from .pooling import AveragePool, MaxPool


@dataclass(frozen=True)
class Conv:
    """A convolution in a table: filters, their side or sides, stride, and whether the image is padded."""

    outputs: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padding: Literal["SAME", "VALID"] = "SAME"


Steps = tuple[Any, ...]
"""A sequence of layers: a `Conv`, "max" or "average", or several parallel `Steps` whose outputs are concatenated."""

reduce = partial(Conv, kernel=3, stride=2, padding="VALID")

STEM: Steps = (
    reduce(32),
    Conv(32, 3, padding="VALID"),
    Conv(64, 3),
    "max",
    Conv(80),
    Conv(192, 3, padding="VALID"),
    "max",
)
SMALL_STEM: Steps = (Conv(32, 3, padding="VALID"), *(step for step in STEM[1:] if step != "max"))

keras_conv = partial(ConvNormReLU, scale=False, epsilon=1e-3, momentum=0.99)
keras_average = partial(AveragePool, 3, 1, padding=1)


class Chain(nnx.Module):
    """A sequence of layers, built from a table.

    Input `[batch, height, width, inputs]`, output `[batch, height', width', outputs]`.
    """

    def __init__(
        self, inputs: int, steps: Steps, conv: Callable[..., nnx.Module], average: Callable[[], nnx.Module]
    ) -> None:
        self.layers: nnx.List = nnx.List()
        self.outputs = inputs
        for step in steps:
            match step:
                case Conv(outputs, kernel, stride, padding):
                    layer = conv(self.outputs, outputs, kernel=kernel, stride=stride, padding=padding)
                    self.outputs = outputs
                case tuple():
                    layer = Branches(self.outputs, step, conv, average)
                    self.outputs = layer.outputs
                case _:
                    layer = MaxPool(3, 2) if step == "max" else average()
            self.layers.append(layer)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        for layer in self.layers:
            x = layer(x)
        return x


class Branches(nnx.Module):
    """Parallel chains whose channels are concatenated (chapter Fig. 31).

    Input `[batch, height, width, inputs]`, output `[batch, height', width', outputs]`.
    """

    def __init__(
        self, inputs: int, branches: Steps, conv: Callable[..., nnx.Module], average: Callable[[], nnx.Module]
    ) -> None:
        self.branches = nnx.List([Chain(inputs, steps, conv, average) for steps in branches])
        self.outputs = sum(branch.outputs for branch in self.branches)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return jnp.concatenate([branch(x) for branch in self.branches], axis=-1)


def smallest_side(steps: Steps, side: int = 1) -> int:
    """The side of the smallest input whose output has at least the given side."""
    for step in reversed(steps):
        match step:
            case Conv(kernel=int(kernel), stride=stride, padding="VALID"):
                side = (side - 1) * stride + kernel
            case "max":
                side = (side - 1) * 2 + 3
            case tuple():
                side = max(smallest_side(branch, side) for branch in step)
    return side
