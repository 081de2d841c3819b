"""What a network costs and sees, read off the traced program, so that it holds for anybody's network."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Field:
    """What one value of a layer's output sees of the input, in each spatial dimension.

    Attributes:
        size: pixels of the input that it depends on; borders are not cut off.
        stride: pixels of the input between neighbours.
    """

    size: Shape
    stride: Shape

    def through(self, window: Shape, strides: Shape) -> "Field":
        """The field after a window of that size and those strides."""
        grown = zip(self.size, window, self.stride, strict=True)
        return Field(
            tuple(size + (side - 1) * stride for size, side, stride in grown),
            tuple(stride * step for stride, step in zip(self.stride, strides, strict=True)),
        )


@dataclass(frozen=True)
class Operation:
    """One operation of the program.

    Attributes:
        scope: names of the scopes around it, outermost first, joined by slashes.
        multiplications: of a convolution or a matrix product, those with padding included; 0 for everything else.
        field: of its first output; none where that does not depend on the input.
    """

    scope: str
    multiplications: int
    field: Field | None


def operations(program: ClosedJaxpr, spatial: Shape) -> Iterator[Operation]:
    """Walks through a program of one input with a batch of one.

    Args:
        program: traced with `jax.make_jaxpr`.
        spatial: height and width of the input, or its length; channels come last.
    """
    here = Field((1,) * len(spatial), (1,) * len(spatial))
    yield from _walk(program.jaxpr, [here], spatial, "")


def _walk(jaxpr: Jaxpr, given: list[Field | None], spatial: Shape, scope: str) -> Iterator[Operation]:
    fields: dict[Var, Field | None] = dict(zip(jaxpr.invars, given, strict=True))
    for equation in jaxpr.eqns:
        name = "/".join(filter(None, [scope, str(equation.source_info.name_stack)]))
        inputs = [None if isinstance(value, Literal) else fields.get(value) for value in equation.invars]
        inner = called(equation)
        if inner is not None:
            parts = list(_walk(inner, inputs[-len(inner.invars) :], spatial, name))
            yield from parts
            field = parts[-1].field if parts else None
        else:
            field = _field(equation, inputs, spatial)
            yield Operation(name, _multiplications(equation), field)
        fields.update(dict.fromkeys(equation.outvars, field))


def called(equation: JaxprEqn) -> Jaxpr | None:
    """The program inside an operation that calls one."""
    for value in equation.params.values():
        if isinstance(value, ClosedJaxpr):
            return value.jaxpr
        if isinstance(value, Jaxpr):
            return value
    return None


def _multiplications(equation: JaxprEqn) -> int:
    """Every output value of a convolution or product is a sum of so many products."""
    kind, outputs = equation.primitive.name, prod(_shape(equation.outvars[0]))
    if kind == "conv_general_dilated":
        kernel = _shape(equation.invars[1])
        return outputs * prod(kernel) // kernel[equation.params["dimension_numbers"].rhs_spec[0]]
    if kind == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return outputs * prod(_shape(equation.invars[0])[axis] for axis in contracted)
    return 0


def _field(equation: JaxprEqn, inputs: list[Field | None], spatial: Shape) -> Field | None:
    """The field of an output, from those of the inputs."""
    known = [field for field in inputs if field is not None]
    if not known:
        return None
    before = _union(known)
    window = _window(equation, len(spatial))
    if window is not None:
        return before.through(*window)
    kept = len(_shape(equation.outvars[0])) - 2 == len(spatial) or not _mixes(equation)
    return before if kept else Field(spatial, spatial)


def _window(equation: JaxprEqn, dimensions: int) -> tuple[Shape, Shape] | None:
    """Window and strides of an operation that has them, in the spatial dimensions."""
    kind, params = equation.primitive.name, equation.params
    inside = slice(1, 1 + dimensions)
    if kind == "conv_general_dilated":
        kernel = [_shape(equation.invars[1])[axis] for axis in params["dimension_numbers"].rhs_spec[2:]]
        spread = zip(kernel, params["rhs_dilation"], strict=True)
        gone = (1,) * (dimensions - len(kernel))  # dimensions of one pixel that the network took away
        sides = tuple((side - 1) * dilation + 1 for side, dilation in spread)
        return sides + gone, tuple(params["window_strides"]) + gone
    if kind.startswith("reduce_window"):
        return tuple(params["window_dimensions"][inside]), tuple(params["window_strides"][inside])
    if kind == "slice" and params["strides"] is not None:
        return (1,) * dimensions, tuple(params["strides"][inside])
    return None


def _shape(value: Any) -> Shape:
    return value.aval.shape


def _mixes(equation: JaxprEqn) -> bool:
    """Whether an operation may bring different places together."""
    return equation.primitive.name in ("reshape", "reduce_max", "reduce_sum", "dot_general", "argmax", "reduce_and")


def _union(fields: list[Field]) -> Field:
    """The field of something that depends on all of these."""
    sizes: Any = zip(*(field.size for field in fields), strict=True)
    strides: Any = zip(*(field.stride for field in fields), strict=True)
    return Field(tuple(map(max, sizes)), tuple(map(max, strides)))
