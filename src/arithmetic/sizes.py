"""Sizes of what convolutions and pooling give, and how much of the input they see (chapter, "Sizing ConvNets").

A window of F values that moves by S over W values with P zeros on each side stops at (W - F + 2P) / S + 1 places.
Pooling and convolution follow the same formula, in each spatial dimension by itself.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

Padding = int | tuple[int, int]
"""Zeros on each side, or before and after."""


def exact_size(size: int, filter: int, *, stride: int = 1, padding: Padding = 0) -> Fraction:
    """The formula as it stands; where the result is not whole, frameworks round it down and leave the rest unread.

    Raises:
        ValueError: the window does not fit, or a number makes no sense.
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
    """The number of places at which a window stops in one dimension.

    Raises:
        ValueError: the last window would hang over the edge; the message names strides and paddings that fit.
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
    """The sizes in all spatial dimensions, with the same stride and padding in each."""
    pairs = zip(shape, filter, strict=True)
    return tuple(output_size(size, side, stride=stride, padding=padding) for size, side in pairs)


def same_padding(size: int, filter: int, *, stride: int = 1) -> tuple[int, int]:
    """Zeros before and after that give ⌈size / stride⌉ places, the rule called "same" by Keras and JAX.

    With stride 1 and an odd filter that is the chapter's (F - 1) / 2 on each side; an odd zero goes behind.
    """
    places = -(-size // stride)
    total = max(0, (places - 1) * stride + filter - size)
    return total // 2, total - total // 2


class Field(NamedTuple):
    """What one value of a layer sees of the input in one dimension.

    Attributes:
        size: values of the input that it depends on.
        stride: values of the input between neighbours.
    """

    size: int
    stride: int


def receptive_fields(windows: Iterable[tuple[int, int]]) -> list[Field]:
    """The fields after each layer of a stack, which is given by filters and strides from the input on."""
    size, stride, fields = 1, 1, []
    for side, step in windows:
        size, stride = size + (side - 1) * stride, stride * step
        fields.append(Field(size, stride))
    return fields


def _sides(padding: Padding) -> tuple[int, int]:
    return (padding, padding) if isinstance(padding, int) else padding


def _fitting_paddings(size: int, filter: int, stride: int) -> str:
    """Paddings that give a whole size, the smallest first; beyond F - 1 a window would see nothing but zeros."""
    least = max(0, filter - size)
    totals = [total for total in range(least, 2 * filter - 1) if (size - filter + total) % stride == 0]
    sides = [(total // 2, total - total // 2) for total in totals]
    return ", ".join(str(low) if low == high else f"({low}, {high})" for low, high in sides) or "none"
