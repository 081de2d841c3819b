"""Pooling by our own kernels if they support it, else in a form that is fast in XLA."""

import math

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from . import pooling
from .cpu_pooling import Padding
from .cpu_pooling import max_pool as xla_max_pool
from .window import Pair, Window, zeros_around

LARGEST = 256
"""The largest number of positions of a window: the index of one is a byte."""

FEWEST = 16
"""XLA is faster with fewer channels, which do not fill a vector (1.2 to 1.4 times as fast with 12 channels, 2 to 5
times with 3), and with windows of one position (1.2 to 2.1 times)."""


def max_pool(
    library: str,
    x: Float[Array, "b *spatial c"],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
) -> Float[Array, "b *smaller c"]:
    """`flax.nnx.max_pool`; to be the attribute `max_pool` of a `MaxPool`.

    Args:
        library: key of loaded kernels.
        x: maps.
        window: its sides.
        strides: of it.
        padding: `SAME`, `VALID` or numbers.
    """
    taken = _taken(x, window, strides, padding)
    return xla_max_pool(x, window, strides, padding) if taken is None else pooling.max_pool(library, *taken, x)


def average_pool(
    library: str,
    x: Float[Array, "b *spatial c"],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    counts_padding: bool,
) -> Float[Array, "b *smaller c"]:
    """`flax.nnx.avg_pool`; to be the attribute `average_pool` of an `AveragePool`.

    Args:
        library: key of loaded kernels.
        x: maps.
        window: its sides.
        strides: of it.
        padding: `SAME`, `VALID` or numbers.
        counts_padding: whether padding counts as zeros.
    """
    taken = _taken(x, window, strides, padding)
    if taken is None:
        return nnx.avg_pool(x, window, strides, padding, counts_padding)
    return pooling.average_pool(library, *taken, x, whole=counts_padding)


def _taken(x: Array, size: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> tuple[Pair, Window] | None:
    """The window if kernels support it: over non-empty float32 maps of rows and columns."""
    if x.ndim != 4 or x.dtype != jnp.float32 or x.shape[3] < FEWEST or not 1 < math.prod(size) <= LARGEST:
        return None
    above, beside = ((int(before), int(after)) for before, after in zeros_around(x.shape[1:3], size, strides, padding))
    rows, columns = size
    window = Window((strides[0], strides[1]), (above, beside))
    sizes = (*x.shape, *window.outputs(x.shape, (*size, 1, x.shape[3])))
    return ((rows, columns), window) if min(sizes) > 0 and min(*above, *beside) >= 0 else None
