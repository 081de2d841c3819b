"""How deep a network is, read off the traced program."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

from .base import ImageShape
from .program import read


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
    output = read(program, input_shape[:-1]).output
    return output.depth if output else 0
