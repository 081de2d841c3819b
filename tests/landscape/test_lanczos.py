"""Ends of spectra that are known, with their vectors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.landscape.lanczos import Spectrum, extreme_eigenvalues, top_eigenvectors
from tests.landscape.quadratic import SIZE, matrix


def known(x):
    """A product with a matrix of the eigenvalues -2 to 10."""
    return matrix() @ x


def test_the_eigenvalues_of_a_matrix_are_exact():
    found = extreme_eigenvalues(known, SIZE, jax.random.key(0))
    assert (found.smallest, found.largest) == pytest.approx((-2, 10), rel=1e-4)
    assert found.ratio == pytest.approx(0.2, rel=1e-4)
    assert found.products == SIZE


def test_errors_bound_the_distance_to_the_true_ends():
    values = jnp.linspace(-1, 50, 200)
    for products in (5, 10, 20):
        found = extreme_eigenvalues(lambda x: values * x, 200, jax.random.key(1), products)
        for value, error in zip((found.smallest, found.largest), found.errors, strict=True):
            assert np.min(np.abs(values - value)) <= error


def test_nothing_is_known_better_than_float32_knows_it():
    found = extreme_eigenvalues(known, SIZE, jax.random.key(0))
    assert min(found.errors) >= 10 * np.finfo(np.float32).eps


def test_an_end_behind_a_crowd_of_small_eigenvalues_is_not_overlooked():
    crowd = 0.3 * jnp.abs(jax.random.normal(jax.random.key(9), (2000,)))
    for largest in (24.0, 1e5):
        values = jnp.concatenate([jnp.array([-1.0, largest]), crowd])
        found = extreme_eigenvalues(lambda x, values=values: values * x, len(values), jax.random.key(0))
        assert (found.smallest, found.largest) == pytest.approx((-1, largest), rel=1e-2)


def test_the_top_eigenvectors_are_those_of_the_matrix_the_largest_first():
    found = top_eigenvectors(known, SIZE, jax.random.key(0), 3)
    assert found.values == pytest.approx([10, 5, 3], rel=1e-4)
    for vector, value in zip(found.vectors, found.values, strict=True):
        np.testing.assert_allclose(known(vector), value * vector, atol=1e-3)
    vectors = jnp.stack(found.vectors)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(3), atol=1e-5)


def test_a_vector_has_the_same_sign_whoever_finds_it():
    """That of its part along the vector of the beginning, be the operator scaled or searched for longer."""
    key = jax.random.key(5)
    one, other = (
        top_eigenvectors(lambda x, f=factor: f * known(x), SIZE, key, 2, products)
        for factor, products in ((1.0, SIZE), (3.0, SIZE - 1))
    )
    for ours, theirs in zip(one.vectors, other.vectors, strict=True):
        assert float(jnp.vdot(ours, theirs)) > 0.99
        assert float(jnp.vdot(ours, jax.random.normal(key, (SIZE,)))) > 0


def test_a_flat_operator_has_no_ratio_and_one_vector():
    assert math.isnan(extreme_eigenvalues(jnp.zeros_like, SIZE, jax.random.key(0)).ratio)
    assert len(top_eigenvectors(jnp.zeros_like, SIZE, jax.random.key(0), 2).vectors) == 1
    assert Spectrum(-1.0, 4.0, (0.0, 0.0), 1).ratio == 0.25


@pytest.mark.parametrize("value", [jnp.nan, jnp.inf])
def test_of_an_operator_that_overflows_nothing_is_known(value):
    found = extreme_eigenvalues(lambda x: x * value, SIZE, jax.random.key(0))
    assert np.isnan([found.smallest, found.largest, found.ratio, *found.errors]).all()
