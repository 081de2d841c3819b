"""The layers of a network, as a table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from src.models.base import ImageShape

CALL = "__call__"


@dataclass(frozen=True)
class Layer:
    """One layer that has no layers inside.

    Attributes:
        name: its place in the network.
        kind: its class.
        output_shape: for one image, without the batch.
        tensors: shapes of its trainable parameters.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    tensors: tuple[tuple[int, ...], ...]

    @property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(map(prod, self.tensors))


def layers(make: Callable[[], nnx.Module], input_shape: ImageShape) -> list[Layer]:
    """Traces the making and the use of a network; nothing is computed.

    Args:
        make: makes the network; its layers are listed in the order in which it makes them.
        input_shape: height, width and channels of one image.
    """
    found: list[tuple[tuple[str, ...], str, tuple[tuple[int, ...], ...]]] = []

    def outputs(image: Array) -> Any:
        model = make()
        model.eval()
        found.extend((path, type(layer).__name__, _tensors(layer)) for path, layer in _innermost(model))
        _, captured = nnx.capture(model, nnx.Intermediate, method_outputs=nnx.Intermediate)(image)
        return nnx.to_pure_dict(captured)

    shapes = jax.eval_shape(outputs, jax.ShapeDtypeStruct((1, *input_shape), jnp.float32))
    return [Layer(".".join(path), kind, _at(shapes, path)[CALL][0].shape[1:], tensors) for path, kind, tensors in found]


def as_table(rows: list[Layer], decays: Callable[[tuple[int, ...]], bool]) -> str:
    """The layers as aligned text, with the total at the end.

    Args:
        rows: the layers.
        decays: whether a tensor of a given shape is decayed; the last column counts the parameters that are.
    """
    decayed = [sum(prod(shape) for shape in row.tensors if decays(shape)) for row in rows]
    cells = [("layer", "kind", "output", "parameters", "decayed")]
    cells += [
        (row.name, row.kind, "x".join(map(str, row.output_shape)), f"{row.parameters:,}", f"{count:,}")
        for row, count in zip(rows, decayed, strict=True)
    ]
    cells.append(("total", "", "", f"{sum(row.parameters for row in rows):,}", f"{sum(decayed):,}"))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) if column < 2 else text.rjust(width) for column, (text, width) in enumerate(fields))
        for fields in (list(zip(row, widths, strict=True)) for row in cells)
    )


def _tensors(layer: nnx.Module) -> tuple[tuple[int, ...], ...]:
    return tuple(leaf.shape for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param)))


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
