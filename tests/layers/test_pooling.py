import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.layers.pooling import AveragePool, GlobalMaxPool, L1Pool, L2Pool, MaxPool

FIG7 = jnp.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], jnp.float32)[None, ..., None]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (MaxPool, [[6, 8], [3, 4]]),
        (AveragePool, [[13 / 4, 21 / 4], [2, 2]]),
        (L1Pool, [[13, 21], [8, 8]]),
        (L2Pool, [[63**0.5, 133**0.5], [18**0.5, 26**0.5]]),
    ],
)
def test_the_numbers_of_the_chapter(pool, expected):
    np.testing.assert_allclose(pool(2)(FIG7)[0, ..., 0], expected, rtol=1e-6)


def test_global_pooling_leaves_one_value_a_channel():
    maps = jax.random.normal(jax.random.key(0), (1, 6, 6, 3))
    np.testing.assert_array_equal(GlobalMaxPool()(maps), MaxPool(6)(maps)[:, 0, 0])


@pytest.mark.parametrize("pool", [L1Pool, L2Pool])
def test_norms_do_not_see_signs_nor_padding(pool):
    x = jax.random.normal(jax.random.key(0), (2, 7, 3))
    np.testing.assert_array_equal(pool(3)(x), pool(3)(-x))
    padded = jnp.pad(x, ((0, 0), (1, 1), (0, 0)))
    np.testing.assert_array_equal(pool(3, padding=1)(x), pool(3)(padded))


def test_the_norm_of_nothing_has_no_gradient():
    """The slope of a root at zero is infinite, and ReLU leaves whole windows of zeros."""
    x = jnp.zeros((1, 4, 4, 1)).at[0, 0, 0, 0].set(-3)
    gradient = jax.grad(lambda x: L2Pool(2)(x).sum())(x)
    np.testing.assert_array_equal(gradient, jnp.zeros_like(x).at[0, 0, 0, 0].set(-1))


@pytest.mark.parametrize("pool", [MaxPool(2), AveragePool(2)])
def test_what_a_pool_gives_can_be_captured(pool):
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    y, captured = nnx.capture(pool, nnx.Intermediate, method_outputs=nnx.Intermediate)(x)
    np.testing.assert_array_equal(y, pool(x))
    ((path, values),) = nnx.to_flat_state(captured)
    assert path == ("__call__",)
    np.testing.assert_array_equal(values[0], y)
