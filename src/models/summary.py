"""The layers of a network: their shapes, parameters, multiplications and receptive fields."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from ..config.errors import UserError, one_line
from ..layers.children import children, replace
from .base import ImageShape, ModelSettings, faults_in_one_line
from .program import Field, read
from .tracing import abstract_rngs


@dataclass(frozen=True)
class Layer:
    """A layer without sublayers.

    Attributes:
        name: its path in the network.
        kind: its class, with details.
        output_shape: for one example, without the batch; empty for a layer that is used in training only.
        tensors: shapes of its trainable parameters.
        statistics: number of values of its running statistics, which are not trained.
        multiplications: for one example, padding included.
        field: receptive field of an output value.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    tensors: tuple[tuple[int, ...], ...]
    statistics: int
    multiplications: int
    field: Field | None

    @property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(map(prod, self.tensors))


class Named(nnx.Module):
    """Wraps a layer: its operations get the name of the layer as scope, and its output shape is recorded.

    Raises:
        UserError: when called, the input has the wrong shape; the message names the layer.
    """

    def __init__(self, layer: nnx.Module, name: str, note: Callable[[str, tuple[int, ...]], None]) -> None:
        self.layer, self._name, self._note = layer, name, note

    def __getattr__(self, name: str) -> Any:
        if name == "layer":  # a copy has no attributes yet
            raise AttributeError(name)
        return getattr(self.layer, name)

    def __call__(self, *inputs: Array, **options: Any) -> Array:
        try:
            with jax.named_scope(self._name):
                outputs = self.layer(*inputs, **options)
        except (AssertionError, TypeError, ValueError) as error:
            given = " and ".join(by_dimension(value.shape[1:]) for value in inputs)
            why = one_line(error) or "they do not fit"
            raise UserError(f"layer {self._name}, {_described(self.layer)}, cannot take {given}: {why}") from None
        self._note(self._name, outputs.shape[1:])
        return outputs


def layers(make: Callable[[], nnx.Module], input_shape: ImageShape, dtype: Any = jnp.float32) -> list[Layer]:
    """Traces the construction and the evaluation of a network; nothing is computed.

    Args:
        make: makes the network; layers are listed in the order of their creation.
        input_shape: of one example.
        dtype: of the input; an integer type for networks that read tokens.

    Raises:
        UserError: the input of a layer has the wrong shape.
    """
    found: dict[str, tuple[str, tuple[tuple[int, ...], ...], int]] = {}
    shapes: dict[str, tuple[int, ...]] = {}

    def outputs(example: Array) -> Array:
        model = make()
        model.eval()
        for parent, key, layer, name in list(innermost(model)):
            statistics = sum(map(prod, _shapes(layer, nnx.BatchStat)))
            found[name] = (type(layer).__name__, _shapes(layer, nnx.Param), statistics)
            replace(parent, key, Named(layer, name, shapes.__setitem__))
        return model(example)

    program = jax.make_jaxpr(outputs)(jax.ShapeDtypeStruct((1, *input_shape), dtype))
    multiplications: dict[str, int] = defaultdict(int)
    fields: dict[str, Field | None] = {}
    for operation in read(program, input_shape[:-1] or input_shape).operations:
        name = operation.scope.split("/")[0]
        multiplications[name] += operation.multiplications
        fields[name] = operation.field
    return [
        Layer(name, kind, shapes.get(name, ()), tensors, statistics, multiplications[name], fields.get(name))
        for name, (kind, tensors, statistics) in found.items()
    ]


def model_layers(model: ModelSettings, input_shape: ImageShape, outputs: int) -> list[Layer]:
    """The layers of a network for given inputs and outputs.

    Args:
        model: its settings.
        input_shape: of one example; a length alone means tokens.
        outputs: length of the output vector for one example.

    Raises:
        UserError: the network does not accept the inputs, or raises an exception.
    """
    dtype = jnp.int32 if len(input_shape) == 1 else jnp.float32
    with faults_in_one_line(model):
        return layers(lambda: model.build(input_shape, outputs, rngs=abstract_rngs()), input_shape, dtype)


Columns = dict[str, Callable[[Layer], int | str]]
"""Columns of a table by heading; numbers are summed in the last row."""

SHAPES: Columns = {
    "layer": lambda layer: layer.name,
    "kind": lambda layer: layer.kind,
    "output": lambda layer: by_dimension(layer.output_shape) if layer.output_shape else "in training",
    "parameters": lambda layer: layer.parameters,
}
COSTS: Columns = {
    "multiplications": lambda layer: layer.multiplications,
    "receptive field": lambda layer: by_dimension(layer.field.size) if layer.field else "",
    "stride": lambda layer: by_dimension(layer.field.stride) if layer.field else "",
}


def frozen_column(frozen: Set[str]) -> Columns:
    """A column that says which layers are frozen, if any is."""
    return {"": lambda layer: "frozen" if layer.name in frozen else ""} if frozen else {}


def as_table(rows: list[Layer], columns: Columns) -> str:
    """The layers as aligned text, with the totals at the end."""
    values = [[show(row) for show in columns.values()] for row in rows]
    numbers = [isinstance(value, int) for value in values[0]]
    totals = [sum(column) if number else "" for number, column in zip(numbers, zip(*values, strict=True), strict=True)]
    cells = [list(columns)] + [
        [f"{value:,}" if isinstance(value, int) else value for value in row]
        for row in [*values, ["total", *totals[1:]]]
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place < 2 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def by_dimension(sizes: tuple[int, ...]) -> str:
    """`28x28x6`."""
    return "x".join(map(str, sizes))


def _described(layer: nnx.Module) -> str:
    """A description of a layer."""
    if isinstance(layer, nnx.Conv):
        groups = layer.feature_group_count
        channels = f"from {layer.in_features} to {layer.out_features} channels"
        return f"a convolution {channels} in {groups} {'groups' if groups > 1 else 'group'}"
    return f"a {type(layer).__name__}"


def _shapes(layer: nnx.Module, kind: type[nnx.Variable]) -> tuple[tuple[int, ...], ...]:
    return tuple(leaf.shape for leaf in jax.tree.leaves(nnx.state(layer, kind)))


def innermost(module: nnx.Module, path: tuple[str, ...] = ()) -> Iterator[tuple[nnx.Module, str, nnx.Module, str]]:
    """Layers without sublayers, in the order of their creation: parent, key, layer and name."""
    for key, child in children(module):
        name = (*path, key)
        if children(child) or isinstance(child, nnx.List | nnx.Dict):
            yield from innermost(child, name)
        else:
            yield module, key, child, ".".join(name)
