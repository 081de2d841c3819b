"""Max-pooling for the CPU gives XLA's values to the last bit, and its gradients, ties included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.layers.pooling import MaxPool
from src.operations.cpu_pooling import max_pool

CASES = {
    "2x2": ((8, 8, 3), {"size": 2}),
    "overlapping": ((7, 8, 3), {"size": 3, "stride": 2}),
    "every place": ((5, 5, 3), {"size": 3, "stride": 1, "padding": 1}),
    "over the edge": ((8, 8, 3), {"size": 3, "stride": 2, "ceil": True}),
    "same": ((7, 7, 3), {"size": 3, "stride": 2, "padding": "SAME"}),
    "line": ((11, 3), {"size": 5}),
    "one pixel": ((6, 6, 3), {"size": 1, "stride": 2}),
}


def both(arguments):
    plain, ours = MaxPool(**arguments), MaxPool(**arguments)
    ours.set_attributes(MaxPool, max_pool=max_pool)
    return plain, ours


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_xla(case):
    shape, arguments = CASES[case]
    plain, ours = both(arguments)
    for make in (jax.nn.relu, jnp.round, lambda x: x):  # the first two have many equal values
        x = make(jax.random.normal(jax.random.key(0), (4, *shape)))
        gradient = jax.random.normal(jax.random.key(1), plain(x).shape)
        (value, back), (expected, expected_back) = jax.vjp(ours, x), jax.vjp(plain, x)
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_allclose(back(gradient)[0], expected_back(gradient)[0], rtol=1e-5, atol=1e-6)


def test_a_hessian_goes_through():
    plain, ours = both({"size": 3, "stride": 2})
    x, direction = jax.random.normal(jax.random.key(0), (2, 1, 7, 7, 3))

    def curved(pool):
        return jax.jvp(jax.grad(lambda x: jnp.sum(jnp.sin(pool(x * x)))), (x,), (direction,))[1]

    np.testing.assert_allclose(curved(ours), curved(plain), rtol=1e-5, atol=1e-6)


def test_half_precision_stays_half_precision():
    _, ours = both({"size": 2})
    x = jnp.ones((1, 4, 4, 2), jnp.bfloat16)
    assert ours(x).dtype == jax.grad(lambda x: ours(x).sum())(x).dtype == jnp.bfloat16
