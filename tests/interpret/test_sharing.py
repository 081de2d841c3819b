import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.interpret.sharing import as_dense, connection_gradients, shared, shared_gradient, untied


@pytest.fixture
def example():
    """Five inputs of three channels, a filter of 2 with four outputs, and a loss that is not linear."""
    keys = jax.random.split(jax.random.key(0), 3)
    inputs, kernel = jax.random.normal(keys[0], (5, 3)), jax.random.normal(keys[1], (2, 3, 4))
    signal = jax.random.normal(keys[2], (4, 4))
    return lambda outputs: (signal * jnp.tanh(outputs)).sum(), inputs, kernel


def test_copies_of_the_filter_compute_what_the_convolution_does(example):
    _, inputs, kernel = example
    np.testing.assert_allclose(untied(inputs, as_dense(kernel, 5)), shared(inputs, kernel), atol=1e-6)


def test_the_dense_layer_has_a_band_of_copies_and_zeros():
    dense = as_dense(jnp.array([2.0, 3.0])[:, None, None], 4)[:, 0, :, 0]
    np.testing.assert_array_equal(dense, [[2, 0, 0], [3, 2, 0], [0, 3, 2], [0, 0, 3]])


def test_each_connection_contributes_its_input_times_the_signal_above():
    inputs, signal = jnp.array([[1.0], [2.0], [4.0], [8.0]]), jnp.array([[1.0], [10.0], [100.0]])
    terms = connection_gradients(lambda outputs: (signal * outputs).sum(), inputs, jnp.ones((2, 1, 1)))
    np.testing.assert_array_equal(terms[..., 0, 0], [[1, 20, 400], [2, 40, 800]])


def test_the_sum_is_the_gradient_of_the_convolution(example):
    terms = connection_gradients(*example)
    assert terms.shape == (2, 4, 3, 4)
    np.testing.assert_allclose(terms.sum(axis=1), shared_gradient(*example), rtol=1e-5, atol=1e-6)
