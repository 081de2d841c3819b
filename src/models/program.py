"""Multiplications and receptive fields of any network, computed from its traced program."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from ..config.errors import UserError

Shape = tuple[int, ...]
Fields = list["Field | None"]

WEIGHTED = ("conv_general_dilated", "dot_general")
COMBINING = ("reduce", "scatter")
"""Operations whose inner programs combine pairs of values."""


@dataclass(frozen=True)
class Field:
    """The receptive field of one output value of a layer, in each spatial dimension.

    Attributes:
        size: input pixels that it depends on, not cut off at the borders.
        stride: input pixels between neighbours, rounded up.
        depth: the largest number of convolutions and matrix products on a path from the input.
    """

    size: Shape
    stride: Shape
    depth: int = 0

    def through(self, window: Shape, strides: Shape, spread: Shape) -> "Field":
        """The field after a window of that size and stride over an input dilated by `spread`."""
        grown = zip(self.size, window, self.stride, spread, strict=True)
        steps = zip(self.stride, strides, spread, strict=True)
        return Field(
            tuple(size + ceil((side - 1) * stride / apart) for size, side, stride, apart in grown),
            tuple(ceil(stride * step / apart) for stride, step, apart in steps),
            self.depth,
        )


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
    """All operations of a network, and the receptive field of its output.

    Attributes:
        operations: in program order; those of a loop once per iteration.
        output: field of the first output; None if that does not depend on the input.
    """

    operations: list[Operation]
    output: Field | None


def read(program: ClosedJaxpr, spatial: Shape) -> Program:
    """Analyses a program of one input with batch size 1.

    Args:
        program: traced with `jax.make_jaxpr`.
        spatial: height and width of the input, or its length; channels come last.

    Raises:
        UserError: the number of convolutions or products depends on values.
    """
    here = Field((1,) * len(spatial), (1,) * len(spatial))
    found: list[Operation] = []
    output, *_ = _walk(program.jaxpr, [here], spatial, "", found)
    return Program(found, output)


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
            outputs = [_union(inputs)] * len(equation.outvars)
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
    outputs: Fields = []
    for _ in range(equation.params["length"]):
        outputs = _walk(round_, inputs, spatial, name, found)
        inputs = [*inputs[:constants], *outputs[:carried], *inputs[constants + carried :]]
    return outputs


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
        return before.through(*window)
    kept = len(_shape(equation.outvars[0])) - 2 == len(spatial) or not _mixes(equation)
    return before if kept else Field(spatial, spatial, before.depth)


def _window(equation: JaxprEqn, dimensions: int) -> tuple[Shape, Shape, Shape] | None:
    """Window, strides and input dilation of an operation in the spatial dimensions; None if it has no window."""
    kind, params = equation.primitive.name, equation.params
    inside, ones = slice(1, 1 + dimensions), (1,) * dimensions
    if kind == "conv_general_dilated":
        kernel = [_shape(equation.invars[1])[axis] for axis in params["dimension_numbers"].rhs_spec[2:]]
        spread = zip(kernel, params["rhs_dilation"], strict=True)
        gone = (1,) * (dimensions - len(kernel))  # dimensions of size 1 that the network removed
        sides = tuple((side - 1) * dilation + 1 for side, dilation in spread)
        return sides + gone, tuple(params["window_strides"]) + gone, tuple(params["lhs_dilation"]) + gone
    if kind.startswith("reduce_window"):
        return tuple(params["window_dimensions"][inside]), tuple(params["window_strides"][inside]), ones
    if kind == "slice" and params["strides"] is not None:
        return ones, tuple(params["strides"][inside]), ones
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
    sizes: Any = zip(*(field.size for field in fields), strict=True)
    strides: Any = zip(*(field.stride for field in fields), strict=True)
    return Field(tuple(map(max, sizes)), tuple(map(max, strides)), max(field.depth for field in fields))
