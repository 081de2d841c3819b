"""Max-pooling with a gradient that is fast in XLA on the CPU.

XLA searches for each maximum again (select-and-scatter) in a loop that is slow on the CPU; values and gradients take
five to nine times as long as with masks for all window positions. `python -m benchmarks.run layers` measures it.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from .cpu_convolution import windows

Padding = str | tuple[tuple[int, int], ...]


@partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def max_pool(
    x: Float[Array, "b *spatial c"], window: tuple[int, ...], strides: tuple[int, ...], padding: Padding
) -> Float[Array, "b *smaller c"]:
    """`flax.nnx.max_pool` with a faster gradient; to be the attribute `max_pool` of a `MaxPool`."""
    return nnx.max_pool(x, window, strides, padding)


def _forward(
    x: Array, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding
) -> tuple[Array, tuple[Array, Array]]:
    largest = nnx.max_pool(x, window, strides, padding)
    return largest, (x, largest)


def _backward(
    window: tuple[int, ...], strides: tuple[int, ...], padding: Padding, kept: tuple[Array, Array], gradient: Array
) -> tuple[Array]:
    """Each gradient goes to the first position in its window with the largest value, as in XLA."""
    x, largest = kept
    seen, back = jax.vjp(partial(windows, window=window, strides=strides, padding=padding, outside=-jnp.inf), x)
    parts, sought = [], jnp.ones(largest.shape, bool)
    for values in seen:
        hit = sought & (values == largest)
        sought &= ~hit
        parts.append(jnp.where(hit, gradient, 0))
    return back(parts)


max_pool.defvjp(_forward, _backward)
