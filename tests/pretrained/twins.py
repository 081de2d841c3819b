"""Twins: a network of another library with random values, and ours that takes them over.

Both compute in double precision. What differs then is a difference of the networks: in float32 mere rounding makes up
to 2e-4 of the deviation below, more than a wrong epsilon would.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from src.pretrained.importer import put_weights
from tests.models.networks import read

TOLERANCE = 1e-9


def random_values(shapes):
    """Kernels that keep the size of signals, and for all else, statistics too, values far from what they begin with."""
    rng = np.random.default_rng(0)
    values = {}
    for name, shape in shapes.items():
        ending = name.replace("/", ".").rsplit(".", 1)[-1]
        if ending in {"running_var", "moving_variance", "gamma"} or (ending == "weight" and len(shape) == 1):
            values[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        elif len(shape) > 1:
            values[name] = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / _inputs(name, shape)))
        else:
            values[name] = 0.1 * rng.standard_normal(shape, np.float32)
    return values


def _inputs(name, shape):
    """How many values a filter sums up."""
    if name.endswith("weight"):
        return np.prod(shape[1:])
    return np.prod(shape[:2] if shape[-1] == 1 else shape[:-1])


def images(side):
    """Two images of random squares, which differ also in their means."""
    squares = np.random.default_rng(1).standard_normal((2, 21, 21, 3))
    return np.repeat(np.repeat(squares, 16, 1), 16, 2)[:, :side, :side]


def build(name, **changes):
    settings = read(name, **changes)
    shape, outputs = settings.published
    return settings.build(shape, outputs, rngs=nnx.Rngs(0)), shape[0]


def ours(module, arrays, layers, framework, x):
    """Our logits in evaluation, with their values."""
    put_weights(module, arrays, layers, framework, None)
    return in_double(module, x)


def in_double(module, x):
    """Outputs of a module in evaluation, as it computes in double precision."""
    module.eval()
    definition, state = nnx.split(module)
    with jax.enable_x64(True):
        state = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), state)
        return np.asarray(jax.jit(lambda state, x: nnx.merge(definition, state)(x))(state, jnp.asarray(x)))


def assert_agree(own, theirs):
    """Logits differ by less than the tolerance, as a share of how much they differ between the two images (RMS)."""
    assert own.shape == theirs.shape
    assert own.dtype == theirs.dtype == np.float64
    between = np.sqrt(np.mean((theirs[0] - theirs[1]) ** 2))
    error = np.abs(own - theirs).max() / between
    print(f"largest deviation {error:.1e}")
    assert error < TOLERANCE
