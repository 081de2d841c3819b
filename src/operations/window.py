"""The window of a convolution, and XLA's convolution with it."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
from jaxtyping import Array, Float

Pair = tuple[int, int]


class Window(NamedTuple):
    """Strides, padding and dilation, each for rows and columns.

    Attributes:
        strides: of the window.
        padding: zeros before and after, for rows and columns.
        dilation: distance between neighbouring positions of the window.
    """

    strides: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair = (1, 1)

    def outputs(self, x: tuple[int, ...], filters: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the output."""
        sides = [
            (size + sum(pads) - (window - 1) * dilation - 1) // stride + 1
            for size, window, stride, pads, dilation in zip(x[1:3], filters, *self, strict=False)
        ]
        return x[0], *sides, filters[3]


def zeros_around(
    size: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: str | Sequence[tuple[int, int]]
) -> Sequence[tuple[int, int]]:
    """Zeros before and after in each dimension: `SAME` and `VALID` in numbers."""
    return jax.lax.padtype_to_pads(size, window, strides, padding) if isinstance(padding, str) else padding


def convolution(
    x: Float[Array, "b h w c"], filters: Float[Array, "kh kw c_of_group d"], window: Window
) -> Float[Array, "b h2 w2 d"]:
    """XLA's convolution; the number of channel groups follows from the shape of the filters."""
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x,
        filters,
        window.strides,
        window.padding,
        rhs_dilation=window.dilation,
        dimension_numbers=layout,
        feature_group_count=max(1, x.shape[-1] // max(1, filters.shape[2])),
    )
