"""Output sizes and receptive fields of convolutions and pooling (chapter, "Sizing ConvNets").

A window of F values with stride S over W values with P zeros on each side has (W - F + 2P) / S + 1 positions. The
formula holds for convolution and pooling, in each spatial dimension separately.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

Padding = int | tuple[int, int]
"""Zeros on each side, or before and after."""


def exact_size(size: int, filter: int, *, stride: int = 1, padding: Padding = 0) -> Fraction:
    """The formula without rounding. Frameworks round a fractional result down and ignore the last values.

    Raises:
        ValueError: the window does not fit, or a number is out of range.
    """
    before, after = _sides(padding)
    for name, value in {"size": size, "filter": filter, "stride": stride}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if min(before, after) < 0:
        raise ValueError(f"padding must be at least 0, not {padding}")
    span = size - filter + before + after
    if span < 0:
        fitting = _fitting_paddings(size, filter, stride)
        raise ValueError(
            f"a filter of {filter} does not fit into {size} + {before + after}; "
            f"paddings that fit with stride {stride}: {fitting}"
        )
    return Fraction(span, stride) + 1


def output_size(size: int, filter: int, *, stride: int = 1, padding: Padding = 0) -> int:
    """The number of positions of a window in one dimension.

    Raises:
        ValueError: the result is not whole; the message lists strides and paddings that fit.
    """
    exact = exact_size(size, filter, stride=stride, padding=padding)
    if exact.denominator == 1:
        return int(exact)
    total = sum(_sides(padding))
    span = size - filter + total
    strides = ", ".join(str(divisor) for divisor in range(1, span + 1) if span % divisor == 0)
    raise ValueError(
        f"({size} - {filter} + {total}) / {stride} is not whole; strides that fit: {strides}; "
        f"paddings that fit with stride {stride}: {_fitting_paddings(size, filter, stride)}"
    )


def output_shape(
    shape: tuple[int, ...], filter: tuple[int, ...], *, stride: int = 1, padding: Padding = 0
) -> tuple[int, ...]:
    """The output size in every spatial dimension, with the same stride and padding in each."""
    pairs = zip(shape, filter, strict=True)
    return tuple(output_size(size, side, stride=stride, padding=padding) for size, side in pairs)


def same_padding(size: int, filter: int, *, stride: int = 1) -> tuple[int, int]:
    """Zeros before and after such that there are ⌈size / stride⌉ positions: "same" padding of Keras and JAX.

    With stride 1 and an odd filter these are the chapter's (F - 1) / 2 on each side. An odd total has one more zero
    after.
    """
    places = -(-size // stride)
    total = max(0, (places - 1) * stride + filter - size)
    return total // 2, total - total // 2


class Field(NamedTuple):
    """The receptive field of one value of a layer, in one dimension.

    Attributes:
        size: number of input values that it depends on.
        stride: distance between neighbouring values, in input values.
    """

    size: int
    stride: int


def receptive_fields(windows: Iterable[tuple[int, int]]) -> list[Field]:
    """The receptive fields after each layer of a stack, from pairs of filter size and stride, the input side first."""
    size, stride, fields = 1, 1, []
    for side, step in windows:
        size, stride = size + (side - 1) * stride, stride * step
        fields.append(Field(size, stride))
    return fields


def _sides(padding: Padding) -> tuple[int, int]:
    return (padding, padding) if isinstance(padding, int) else padding


def _fitting_paddings(size: int, filter: int, stride: int) -> str:
    """Paddings that give a whole size, the smallest first, up to F - 1: beyond that a window sees only zeros."""
    least = max(0, filter - size)
    totals = [total for total in range(least, 2 * filter - 1) if (size - filter + total) % stride == 0]
    sides = [(total // 2, total - total // 2) for total in totals]
    return ", ".join(str(low) if low == high else f"({low}, {high})" for low, high in sides) or "none"
