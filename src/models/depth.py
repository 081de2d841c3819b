"""The depth of a network, from the traced program."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

from .base import ImageShape
from .program import read


def depth(make: Callable[[], nnx.Module], input_shape: ImageShape) -> int:
    """The largest number of convolutions and matrix products on a path from input to output, as papers count layers.

    Layers that are not on the longest path, such as a convolution in a shortcut, do not count.

    Args:
        make: makes the network, which is traced in evaluation mode; nothing is computed.
        input_shape: of one example.
    """

    def outputs(example: jax.Array) -> jax.Array:
        model = make()
        model.eval()
        return model(example)

    program = jax.make_jaxpr(outputs)(jax.ShapeDtypeStruct((1, *input_shape), jnp.float32))
    output = read(program, input_shape[:-1]).output
    return output.depth if output else 0
