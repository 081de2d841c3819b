"""The outputs of the layers of any network, by the names of the layers."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from .base import ImageShape
from .functional import dotted
from .program import Field, read


@dataclass(frozen=True)
class LayerOutput:
    """What a layer, or a part with layers in it, gives for one example.

    Attributes:
        name: its path in the network, as in the layer table.
        shape: without the batch.
        field: receptive field of one value; None if that does not depend on the input.
        last: whether it is what the network itself gives.
    """

    name: str
    shape: tuple[int, ...]
    field: Field | None
    last: bool

    @property
    def mapped(self) -> bool:
        """Whether it consists of maps: height, width, channels."""
        return len(self.shape) == 3


def in_evaluation(module: nnx.Module) -> nnx.Module:
    """A copy of a network that uses running statistics and no dropout, whatever mode the network itself is in."""
    copy = nnx.clone(module)
    copy.eval()
    return copy


def captured(module: nnx.Module, x: Any) -> dict[str, Any]:
    """Applies a network, and gives the first output of every layer and of every part that was called.

    The network is called as it is, in training or evaluation mode, and afterwards holds the outputs too: a caller who
    wants to keep it as it was hands over a copy.
    """
    return {name: output for name, output in _outputs(module, x).items() if name}


def layer_outputs(module: nnx.Module, input_shape: ImageShape) -> list[LayerOutput]:
    """The arrays that `captured` finds in evaluation mode, in the order of their computation; nothing is computed.

    Args:
        module: a network, which stays as it is.
        input_shape: of one example.
    """
    evaluated = in_evaluation(module)

    def arrays(example: Any) -> dict[str, jax.Array]:
        found = _outputs(nnx.clone(evaluated), example)
        return {name: each for name, each in found.items() if isinstance(each, jax.Array)}

    example = jax.ShapeDtypeStruct((1, *input_shape), jnp.float32)
    program, shapes = jax.make_jaxpr(arrays, return_shape=True)(example)
    order = {value: place for place, equation in enumerate(program.jaxpr.eqns) for value in equation.outvars}
    fields = read(program, input_shape[:-1] or input_shape).outputs
    values = dict(zip(sorted(shapes), program.jaxpr.outvars, strict=True))  # JAX sorts the keys of a dictionary
    rows = zip(sorted(shapes), fields, strict=True)
    found = [LayerOutput(name, shapes[name].shape[1:], field, values[name] == values.get("")) for name, field in rows]
    return sorted((row for row in found if row.name), key=lambda row: order.get(values[row.name], -1))


def _outputs(module: nnx.Module, x: Any) -> dict[str, Any]:
    """What the network itself gives, without a name, and the outputs of its layers."""
    result, found = nnx.capture(module, nnx.Intermediate, method_outputs=nnx.Intermediate)(x)
    calls = {dotted(path[:-1]): value[0] for path, value in nnx.to_flat_state(found) if path[-1] == "__call__"}
    return {**calls, "": result}
