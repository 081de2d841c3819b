"""Values and gradients by float64, and how far from them others are."""

import jax
import jax.numpy as jnp
import numpy as np

from src.data.cache import cache_home
from src.operations.library import kernels


def errors(found, exact):
    """The largest error of each array by its largest value, and the root of the mean square of both."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True)
    return [
        tuple(size(np.float64(one) - other) / max(size(other), 1e-30) for size in (largest, typical))
        for one, other in pairs
    ]


def largest(values):
    return np.abs(values).max()


def typical(values):
    return np.sqrt(np.mean(values**2))


def in_float64(function, *arguments):
    """What a function gives in double precision."""
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), arguments)
        return jax.tree.map(np.asarray, jax.jit(function)(*wide))


FLOORS, NARROW_FLOORS = (5e-7, 3.5e-7), (1e-6, 7e-7)
"""Of the largest value and of the typical one: a few roundings, where XLA is nearly exact (sums of few terms)."""
NARROW_FACTOR = 1.5
"""Where a register holds eight values (AVX2), XLA's sums are cut at other places than ours. There XLA's typical errors
were up to 1.3 times smaller, and below the floors its largest ones up to 1.8 times."""


def narrow():
    """Whether this processor's registers hold fewer than sixteen values."""
    library = kernels(cache_home() / "kernels")
    return library is None or library.vector_width < 16


def assert_as_exact(kernels, reference, *arguments, factor=1.0):
    """The kernels' errors, the largest and the typical, are at most XLA's, or a few roundings (`FLOORS`).

    The kernels' sums are as short as XLA's (`cut` in product.cc), and shorter for tiles of 3x3 windows, which lose
    digits before and after. XLA's typical error is up to 2.5 times smaller for maps of 2x2, and 1.3 times behind
    strides with few filters, where both lie below the floor. Of gradients through several normalizations, which
    multiply errors, it is chance whose are larger: there a factor allows for it.
    """
    exact = in_float64(reference, *arguments)
    ours, xla = (errors(jax.jit(function)(*arguments), exact) for function in (kernels, reference))
    limits, factor = (NARROW_FLOORS, max(factor, NARROW_FACTOR)) if narrow() else (FLOORS, factor)
    for number, (own, other) in enumerate(zip(ours, xla, strict=True)):
        for one, another, floor in zip(own, other, limits, strict=True):
            assert one <= max(factor * another, floor), (number, own, other)
