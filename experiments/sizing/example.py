"""One number of the chapter, by formula and from a real layer: four kinds of questions put to both."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import floor
from typing import Any, NamedTuple

from flax import nnx

from src.arithmetic.costs import Convolution, parameters, ratio
from src.arithmetic.sizes import exact_size, output_shape
from src.layers.pooling import MaxPool
from src.models.summary import layers

MILLION = 10**6

Value = int | Fraction | tuple[int, ...]
Make = Callable[..., nnx.Module]


class Example(NamedTuple):
    """One number of the chapter.

    Attributes:
        what: is counted.
        place: figure or section of the chapter.
        chapter: its number; none where it leaves it to the reader.
        formula: ours.
        layer: that of a real layer, if the example is about one.
        unit: to which the chapter rounds.
    """

    what: str
    place: str
    chapter: Value | None
    formula: Value
    layer: Value | None = None
    unit: int = 1

    @property
    def wrong(self) -> bool:
        """Whether the chapter's number is another one, even after rounding."""
        if self.chapter is None or self.chapter == self.formula:
            return False
        return isinstance(self.formula, tuple) or self.chapter != round(self.formula / self.unit) * self.unit


class Traced(NamedTuple):
    """What the traced program of a network says; nothing is computed."""

    shape: tuple[int, ...]
    parameters: int
    multiplications: int
    field: tuple[int, ...]


def traced(input_shape: tuple[int, ...], *makes: Make) -> Traced:
    """Traces layers one after the other."""
    rows = layers(lambda: nnx.Sequential(*(make(rngs=nnx.Rngs(0)) for make in makes)), input_shape)
    counts = sum(row.parameters for row in rows), sum(row.multiplications for row in rows)
    return Traced(rows[-1].output_shape, *counts, rows[-1].field.size if rows[-1].field else ())


def real(layer: Convolution, **options: Any) -> Make:
    """The layer of Flax with these filters; padded so that sizes stay, unless said."""
    if not layer.filter:
        return partial(nnx.Linear, layer.inputs, layer.outputs, use_bias=layer.bias)
    grouping: dict[str, Any] = {"feature_group_count": layer.groups, "use_bias": layer.bias}
    return partial(nnx.Conv, layer.inputs, layer.outputs, layer.filter, **grouping, **options)


def plain(layer: nnx.Module) -> Make:
    """A layer that needs no randomness."""
    return lambda rngs: layer


def square(side: int, inputs: int, outputs: int) -> Convolution:
    """A convolution with square filters."""
    return Convolution((side, side), inputs, outputs)


def on_one_place(stack: tuple[Convolution, ...], places: tuple[int, ...] = (1, 1)) -> list[Traced]:
    """Each layer traced by itself, on a map of so many places."""
    return [traced((*places[: len(layer.filter)], layer.inputs), real(layer)) for layer in stack]


def sized(
    what: str, place: str, chapter: Value | None, shape: tuple[int, ...], layer: Convolution, **moves: int
) -> Example:
    """The shape that a convolution gives, unpadded unless said."""
    formula = (*output_shape(shape[:-1], layer.filter, **moves), layer.outputs)
    options = {"strides": moves.get("stride", 1), "padding": moves.get("padding", 0)}
    return Example(what, place, chapter, formula, traced(shape, real(layer, **options)).shape)


def pooled(what: str, place: str, chapter: Value, shape: tuple[int, ...], size: int) -> Example:
    """The shape that max-pooling without overlap gives; what is left over at the end is not read."""
    sides = (floor(exact_size(side, size, stride=size)) for side in shape[:-1])
    return Example(what, place, chapter, (*sides, shape[-1]), traced(shape, plain(MaxPool(size))).shape)


def counted(what: str, place: str, chapter: Value | None, *stack: Convolution, unit: int = 1) -> Example:
    """The parameters of a stack."""
    layer = sum(each.parameters for each in on_one_place(stack))
    return Example(what, place, chapter, parameters(stack), layer, unit)


def multiplied(
    what: str, place: str, chapter: Value | None, places: tuple[int, ...], *stack: Convolution, unit: int = 1
) -> Example:
    """The multiplications of a stack that gives so many places; on a single one they are its weights."""
    formula = sum(layer.multiplications(places[: len(layer.filter)]) for layer in stack)
    layer = sum(each.multiplications for each in on_one_place(stack, places))
    return Example(what, place, chapter, formula, layer, unit)


def saved(what: str, place: str, chapter: Value | None, stack: list[Convolution], full: Convolution) -> Example:
    """By what factor a stack needs fewer multiplications than the convolution that it replaces."""
    before, after = ((each.multiplications for each in on_one_place(tuple(kind))) for kind in ([full], stack))
    return Example(what, place, chapter, 1 / ratio(stack, [full]), Fraction(sum(before), sum(after)))


def shown(value: Value | None) -> str:
    """A number or a shape as people write it."""
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}".rstrip("0").rstrip(".")
