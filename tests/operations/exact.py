"""Values and gradients by float64, and how far from them others are."""

import jax
import jax.numpy as jnp
import numpy as np


def errors(found, exact):
    """The largest error of each array, by its largest value."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True)
    return [np.abs(np.float64(one) - other).max() / max(np.abs(other).max(), 1e-30) for one, other in pairs]


def in_float64(function, *arguments):
    """What a function gives in double precision."""
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), arguments)
        return jax.tree.map(np.asarray, jax.jit(function)(*wide))


def assert_as_exact(kernels, reference, *arguments, factor=4.0, floor=5e-7):
    """The kernels' errors are at most four times XLA's, or 5e-7 of the largest value, where XLA is nearly exact.

    They add up in order, and XLA in blocks, whose error grows more slowly with the number of terms.
    """
    exact = in_float64(reference, *arguments)
    ours, xla = (errors(jax.jit(function)(*arguments), exact) for function in (kernels, reference))
    for number, (own, other) in enumerate(zip(ours, xla, strict=True)):
        assert own <= max(factor * other, floor), (number, own, other)
