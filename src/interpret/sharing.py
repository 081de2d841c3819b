"""The gradient of a shared weight is the sum over its connections (the notebook's "Backprop for ConvNets").

A convolution without sharing has a separate filter at every position. With equal filters it computes the same, and its
gradient has the contribution of each connection.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Loss = Callable[[Float[Array, "places outputs"]], Float[Array, ""]]


def shared(inputs: Float[Array, "length channels"], kernel: Float[Array, "size channels outputs"]) -> Array:
    """A convolution over one dimension, without padding and bias: `[places, outputs]`."""
    lines = ("NWC", "WIO", "NWC")
    return jax.lax.conv_general_dilated(inputs[None], kernel, (1,), "VALID", dimension_numbers=lines)[0]


def untied(inputs: Float[Array, "length channels"], weights: Float[Array, "length channels places outputs"]) -> Array:
    """A dense layer from all inputs to all places: `[places, outputs]`."""
    return jnp.einsum("lc,lcpo->po", inputs, weights)


def as_dense(
    kernel: Float[Array, "size channels outputs"], length: int
) -> Float[Array, "length channels places outputs"]:
    """The dense layer that computes what a convolution does: a copy of the filter for each place, zeros elsewhere."""
    size, channels, outputs = kernel.shape
    places = length - size + 1
    dense = jnp.zeros((length, channels, places, outputs))
    rows, columns = connections(size, places)
    return dense.at[rows, :, columns].set(kernel[:, None])


def connections(size: int, places: int) -> tuple[Array, Array]:
    """For each weight of a filter and each place, from which input to which output it leads: two `[size, places]`."""
    columns = jnp.arange(places)[None, :]
    return jnp.arange(size)[:, None] + columns, jnp.broadcast_to(columns, (size, places))


def connection_gradients(
    loss: Loss, inputs: Float[Array, "length channels"], kernel: Float[Array, "size channels outputs"]
) -> Float[Array, "size places channels outputs"]:
    """What each connection contributes to the gradient of the weight that it shares with others."""
    dense = as_dense(kernel, len(inputs))
    gradient = jax.grad(lambda weights: loss(untied(inputs, weights)))(dense)
    rows, columns = connections(len(kernel), dense.shape[2])
    return gradient[rows, :, columns]


def shared_gradient(
    loss: Loss, inputs: Float[Array, "length channels"], kernel: Float[Array, "size channels outputs"]
) -> Float[Array, "size channels outputs"]:
    """The gradient of the real convolution."""
    return jax.grad(lambda weights: loss(shared(inputs, weights)))(kernel)
