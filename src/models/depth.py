"""How deep a network is, read off the traced program."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax.extend.core import Jaxpr, Literal, Var

from src.models.base import ImageShape
from src.models.program import called

WEIGHTED = ("conv_general_dilated", "dot_general")


def depth(make: Callable[[], nnx.Module], input_shape: ImageShape) -> int:
    """The most convolutions and matrix products on any way from the input to the output, as papers count layers.

    What lies beside the longest way, such as a convolution in a shortcut, does not add to it.

    Args:
        make: makes the network, which is then in evaluation; nothing is computed.
        input_shape: of one example.
    """

    def outputs(example: jax.Array) -> jax.Array:
        model = make()
        model.eval()
        return model(example)

    program = jax.make_jaxpr(outputs)(jax.ShapeDtypeStruct((1, *input_shape), jnp.float32))
    return _longest(program.jaxpr, [0]) or 0


def _longest(jaxpr: Jaxpr, given: list[int | None]) -> int | None:
    """The depth of the first output; none where it does not depend on the input."""
    depths: dict[Var, int | None] = dict(zip(jaxpr.invars, given, strict=True))
    for equation in jaxpr.eqns:
        inputs = [None if isinstance(value, Literal) else depths.get(value) for value in equation.invars]
        known = [found for found in inputs if found is not None]
        part = called(equation)
        if not known:
            found = None
        elif part is not None:
            found = _longest(part, inputs[-len(part.invars) :])
        else:
            found = max(known) + (equation.primitive.name in WEIGHTED)
        depths.update(dict.fromkeys(equation.outvars, found))
    output = jaxpr.outvars[0]
    return None if isinstance(output, Literal) else depths[output]
