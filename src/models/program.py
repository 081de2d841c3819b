"""Multiplications and receptive fields of any network, computed from its traced program."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, prod
from typing import Any, NamedTuple

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from ..config.errors import UserError

Shape = tuple[int, ...]
Fields = list["Field | None"]

WEIGHTED = ("conv_general_dilated", "dot_general")
COMBINING = ("reduce", "scatter")
"""Operations whose inner programs combine pairs of values."""

MOVING = ("rev", "gather", "dynamic_slice", "sort", "argsort", "scatter", "cum", "fft")
"""Operations that may take a value from another position than its own, without a window; `cum` is `cumsum` and such."""


@dataclass(frozen=True)
class Place:
    """Where the fields of all output values lie, in each spatial dimension.

    Attributes:
        start: input pixel at which the field of output value 0 begins; negative where it reaches into the padding.
        step: input pixels between the fields of neighbours, less than 1 behind layers that enlarge.
    """

    start: tuple[Fraction, ...]
    step: tuple[Fraction, ...]

    def through(self, padding: Shape, strides: Shape, spread: Shape) -> "Place":
        """The place after a window with that padding before it, over an input dilated by `spread`."""
        every = [*zip(self.start, self.step, padding, strides, spread, strict=True)]
        return Place(
            tuple(start - step * before / apart for start, step, before, _, apart in every),
            tuple(step * stride / apart for _, step, _, stride, apart in every),
        )


@dataclass(frozen=True)
class Field:
    """The receptive field of one output value of a layer, in each spatial dimension.

    Attributes:
        size: input pixels that it depends on, not cut off at the borders.
        stride: input pixels between neighbours, rounded up.
        depth: the largest number of convolutions and matrix products on a path from the input.
        place: where it lies; None if that does not follow from the position of the value, or is not known.
    """

    size: Shape
    stride: Shape
    depth: int = 0
    place: Place | None = None

    def through(self, window: "Window") -> "Field":
        """The field after a window."""
        grown = zip(self.size, window.size, self.stride, window.spread, strict=True)
        steps = zip(self.stride, window.strides, window.spread, strict=True)
        return Field(
            tuple(size + ceil((side - 1) * stride / apart) for size, side, stride, apart in grown),
            tuple(ceil(stride * step / apart) for stride, step, apart in steps),
            self.depth,
            self.place and self.place.through(window.padding, window.strides, window.spread),
        )

    def pixels(self, position: Sequence[int], image: Shape) -> tuple[slice, ...]:
        """The pixels that an output value depends on, cut off at the borders; all, where its place is not known.

        Args:
            position: of the value in its map.
            image: height and width of the input.
        """
        if self.place is None:
            return tuple(slice(0, side) for side in image)
        starts = [
            start + step * own for start, step, own in zip(self.place.start, self.place.step, position, strict=True)
        ]
        return tuple(
            slice(min(max(ceil(start), 0), side), max(min(floor(start + size), side), 0))
            for start, size, side in zip(starts, self.size, image, strict=True)
        )


class Window(NamedTuple):
    """A window that moves over the input of an operation, in each spatial dimension.

    Attributes:
        size: dilation of the window included.
        strides: of the window.
        spread: distance of neighbouring input values; 1 unless there are zeros between them.
        padding: values before the first one; negative where some are cut off.
    """

    size: Shape
    strides: Shape
    spread: Shape
    padding: Shape


@dataclass(frozen=True)
class Operation:
    """One operation of the program.

    Attributes:
        scope: names of the enclosing scopes, outermost first, joined by slashes.
        multiplications: of a convolution or a matrix product, padding included; 0 for other operations.
        field: of its first output; None if that does not depend on the input.
    """

    scope: str
    multiplications: int
    field: Field | None


@dataclass(frozen=True)
class Program:
    """All operations of a network, and the receptive fields of its outputs.

    Attributes:
        operations: in program order; those of a loop once per iteration.
        outputs: field of each output; None for one that does not depend on the input.
    """

    operations: list[Operation]
    outputs: Fields

    @property
    def output(self) -> Field | None:
        """That of the first output."""
        return self.outputs[0]


def read(program: ClosedJaxpr, spatial: Shape) -> Program:
    """Analyses a program of one input with batch size 1.

    Args:
        program: traced with `jax.make_jaxpr`.
        spatial: height and width of the input, or its length; channels come last.

    Raises:
        UserError: the number of convolutions or products depends on values.
    """
    ones = (1,) * len(spatial)
    here = Field(ones, ones, place=Place((Fraction(0),) * len(spatial), (Fraction(1),) * len(spatial)))
    found: list[Operation] = []
    outputs = _walk(program.jaxpr, [here], spatial, "", found)
    return Program(found, outputs)


def _walk(jaxpr: Jaxpr, given: Fields, spatial: Shape, scope: str, found: list[Operation]) -> Fields:
    """Adds the operations of a program to `found`, and returns the fields of its outputs."""
    fields: dict[Var, Field | None] = dict(zip(jaxpr.invars, given, strict=True))

    def known(values: Any) -> Fields:
        return [None if isinstance(value, Literal) else fields.get(value) for value in values]

    for equation in jaxpr.eqns:
        name = "/".join(filter(None, [scope, str(equation.source_info.name_stack)]))
        kind, inputs = equation.primitive.name, known(equation.invars)
        inner = _programs(equation)
        if kind in ("while", "cond"):
            _check_branches(kind, inner)
            outputs = [_displaced(_union(inputs))] * len(equation.outvars)
        elif kind == "scan":
            outputs = _scanned(equation, inputs, spatial, name, found)
        elif inner and not kind.startswith(COMBINING):
            outputs = _walk(inner[0], inputs[-len(inner[0].invars) :], spatial, name, found)
        else:
            outputs = [_field(equation, inputs, spatial)] * len(equation.outvars)
            found.append(Operation(name, _multiplications(equation), outputs[0]))
        fields.update(zip(equation.outvars, outputs, strict=True))
    return known(jaxpr.outvars)


def _scanned(equation: JaxprEqn, inputs: Fields, spatial: Shape, name: str, found: list[Operation]) -> Fields:
    """A scan of known length, iteration by iteration.

    The body takes constants, the carry and slices of arrays, and returns the carry and slices.
    """
    (round_,) = _programs(equation)
    carried = _whole(equation.outvars, round_.outvars)
    constants = _whole(equation.invars, round_.invars) - carried
    sliced = [_displaced(field) for field in inputs[constants + carried :]]
    inputs, outputs = [*inputs[: constants + carried], *sliced], []
    for _ in range(equation.params["length"]):
        outputs = _walk(round_, inputs, spatial, name, found)
        inputs = [*inputs[:constants], *outputs[:carried], *sliced]
    return [*outputs[:carried], *map(_displaced, outputs[carried:])]


def _whole(outside: Sequence[Any], inside: Sequence[Any]) -> int:
    """The number of values that the body of a scan takes whole and not as slices."""
    return sum(out.aval.ndim == of_round.aval.ndim for out, of_round in zip(outside, inside, strict=True))


def _programs(equation: JaxprEqn) -> list[Jaxpr]:
    """The inner programs of an operation."""
    values = [each for value in equation.params.values() for each in (value if isinstance(value, tuple) else (value,))]
    return [
        value.jaxpr if isinstance(value, ClosedJaxpr) else value
        for value in values
        if isinstance(value, ClosedJaxpr | Jaxpr)
    ]


def _check_branches(kind: str, inner: list[Jaxpr]) -> None:
    """Refuses convolutions and products whose number depends on values.

    Raises:
        UserError: there are some.
    """
    for jaxpr in inner:
        for equation in jaxpr.eqns:
            if equation.primitive.name in WEIGHTED:
                raise UserError(
                    f"how often a {equation.primitive.name} inside a {kind} is computed depends on values, so costs "
                    "and fields cannot be read off; a Python loop, or jax.lax.scan, can be"
                )
            _check_branches(kind, _programs(equation))


def _multiplications(equation: JaxprEqn) -> int:
    """Multiplications of a convolution or product: number of output values times products per value."""
    kind, outputs = equation.primitive.name, prod(_shape(equation.outvars[0]))
    if kind == "conv_general_dilated":
        kernel = _shape(equation.invars[1])
        of_each = prod(kernel) // kernel[equation.params["dimension_numbers"].rhs_spec[0]]
        return outputs * of_each // prod(equation.params["lhs_dilation"])  # inserted zeros cost nothing
    if kind == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return outputs * prod(_shape(equation.invars[0])[axis] for axis in contracted)
    return 0


def _field(equation: JaxprEqn, inputs: Fields, spatial: Shape) -> Field | None:
    """The field of the first output, from those of the inputs."""
    before = _union(inputs)
    if before is None:
        return None
    if equation.primitive.name in WEIGHTED:
        before = replace(before, depth=before.depth + 1)
    window = _window(equation, len(spatial))
    if window is not None:
        return before.through(window)
    kept = len(_shape(equation.outvars[0])) - 2 == len(spatial) or not _mixes(equation)
    if not kept:
        return Field(spatial, spatial, before.depth)
    return before if _in_place(equation, inputs, len(spatial)) else _displaced(before)


def _in_place(equation: JaxprEqn, inputs: Fields, dimensions: int) -> bool:
    """Whether each output value of an operation without a window depends on the input values at its own position."""
    kind, inside = equation.primitive.name, slice(1, 1 + dimensions)
    if kind.startswith(MOVING):
        return False
    given = [_shape(value) for value, field in zip(equation.invars, inputs, strict=True) if field is not None]
    if kind == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        if inputs[0] is None or min(contracted, default=0) <= dimensions:
            return False
    return all(shape[inside] == _shape(equation.outvars[0])[inside] for shape in given)


def _displaced(field: Field | None) -> Field | None:
    """A field whose place is not known."""
    return field and replace(field, place=None)


def _window(equation: JaxprEqn, dimensions: int) -> Window | None:
    """The window of an operation in the spatial dimensions; None if it has none."""
    kind, params = equation.primitive.name, equation.params
    inside, ones = slice(1, 1 + dimensions), (1,) * dimensions
    images = len(_shape(equation.invars[0])) == dimensions + 2
    if kind == "conv_general_dilated":
        kernel = [_shape(equation.invars[1])[axis] for axis in params["dimension_numbers"].rhs_spec[2:]]
        spread = zip(kernel, params["rhs_dilation"], strict=True)
        gone = (1,) * (dimensions - len(kernel))  # dimensions of size 1 that the network removed
        sides = tuple((side - 1) * dilation + 1 for side, dilation in spread)
        before = tuple(low for low, _ in params["padding"]) + tuple(0 for _ in gone)
        return Window(
            sides + gone, tuple(params["window_strides"]) + gone, tuple(params["lhs_dilation"]) + gone, before
        )
    if kind.startswith("reduce_window"):
        sizes, strides = (tuple(params[name][inside]) for name in ("window_dimensions", "window_strides"))
        return Window(sizes, strides, ones, tuple(low for low, _ in params["padding"][inside]))
    if kind == "slice" and (images or params["strides"] is not None):
        cut = tuple(-first for first in params["start_indices"][inside])
        return Window(ones, tuple(params["strides"][inside]) if params["strides"] else ones, ones, cut)
    if kind == "pad" and images:
        low, _, between = zip(*params["padding_config"][inside], strict=True)
        return Window(ones, ones, tuple(int(zeros) + 1 for zeros in between), tuple(map(int, low)))
    return None


def _shape(value: Any) -> Shape:
    return value.aval.shape


def _mixes(equation: JaxprEqn) -> bool:
    """Whether an operation may combine different positions."""
    return equation.primitive.name in ("reshape", "reduce_max", "reduce_sum", "dot_general", "argmax", "reduce_and")


def _union(inputs: Fields) -> Field | None:
    """The field of a value that depends on all of these; None if none depends on the input."""
    fields = [field for field in inputs if field is not None]
    if not fields:
        return None
    strides: Any = zip(*(field.stride for field in fields), strict=True)
    size, place = _hull(fields)
    return Field(size, tuple(map(max, strides)), max(field.depth for field in fields), place)


def _hull(fields: Sequence[Field]) -> tuple[Shape, Place | None]:
    """The size and the place of the smallest field with all of these in it."""
    places = [field.place for field in fields if field.place is not None]
    if len(places) < len(fields) or any(place.step != places[0].step for place in places):
        return tuple(max(sizes) for sizes in zip(*(field.size for field in fields), strict=True)), None
    starts = tuple(map(min, zip(*(place.start for place in places), strict=True)))
    ends = [
        max(place.start[axis] + field.size[axis] for place, field in zip(places, fields, strict=True))
        for axis in range(len(starts))
    ]
    return tuple(ceil(end - start) for start, end in zip(starts, ends, strict=True)), Place(starts, places[0].step)
