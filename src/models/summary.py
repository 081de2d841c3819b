"""The layers of a network, as a table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from src.models.base import ImageShape, parameter_count

CALL = "__call__"


@dataclass(frozen=True)
class Layer:
    """One layer that has no layers inside.

    Attributes:
        name: its place in the network.
        kind: its class.
        output_shape: for one image, without the batch.
        parameters: trainable ones.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int


def layers(make: Callable[[], nnx.Module], input_shape: ImageShape) -> list[Layer]:
    """Traces the making and the use of a network; nothing is computed.

    Args:
        make: makes the network; its layers are listed in the order in which it makes them.
        input_shape: height, width and channels of one image.
    """
    found: list[tuple[tuple[str, ...], str, int]] = []

    def outputs(image: Array) -> Any:
        model = make()
        model.eval()
        found.extend((path, type(layer).__name__, parameter_count(layer)) for path, layer in _innermost(model))
        _, captured = nnx.capture(model, nnx.Intermediate, method_outputs=nnx.Intermediate)(image)
        return nnx.to_pure_dict(captured)

    shapes = jax.eval_shape(outputs, jax.ShapeDtypeStruct((1, *input_shape), jnp.float32))
    return [
        Layer(".".join(path), kind, _at(shapes, path)[CALL][0].shape[1:], parameters)
        for path, kind, parameters in found
    ]


def as_table(rows: list[Layer]) -> str:
    """The layers as aligned text, with the total at the end."""
    cells = [("layer", "kind", "output", "parameters")]
    cells += [(row.name, row.kind, "x".join(map(str, row.output_shape)), f"{row.parameters:,}") for row in rows]
    cells.append(("total", "", "", f"{sum(row.parameters for row in rows):,}"))
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {output:>{widths[2]}}  {parameters:>{widths[3]}}"
        for name, kind, output, parameters in cells
    ]
    return "\n".join(lines)


def _innermost(module: nnx.Module, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], nnx.Module]]:
    """Layers without layers inside, in the order in which they were made."""
    inside = enumerate(module) if isinstance(module, nnx.List) else vars(module).items()
    children = [(str(name), child) for name, child in inside if isinstance(child, nnx.Module)]
    if not children and path:
        yield path, module
    for name, child in children:
        yield from _innermost(child, (*path, name))


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        tree = tree[int(name)] if name.isdigit() else tree[name]
    return tree
