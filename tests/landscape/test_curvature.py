"""On a quadratic everything is known; on a network, the Hessian of JAX."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.flatten_util import ravel_pytree

from src.landscape.curvature import extreme_eigenvalues, hessian_products, kernel_count
from src.models.dense import Dense
from tests.landscape.quadratic import PARAMETERS, SIZE, loss, matrix


def test_products_and_eigenvalues_of_a_quadratic_are_exact():
    product = hessian_products(loss, [matrix()], 1)(PARAMETERS)
    np.testing.assert_allclose(product(jnp.arange(6.0)), matrix() @ jnp.arange(6.0), rtol=1e-4, atol=1e-4)
    found = extreme_eigenvalues(product, SIZE, jax.random.key(0), tolerance=0.0)
    assert (found.smallest, found.largest) == pytest.approx((-2, 10), rel=1e-4)
    assert found.ratio == pytest.approx(0.2, rel=1e-4)
    assert found.steps == SIZE


def test_errors_bound_the_distance_to_the_true_ends():
    values = jnp.linspace(-1, 50, 200)
    for steps in (5, 10, 20):
        found = extreme_eigenvalues(lambda x: values * x, 200, jax.random.key(1), steps=steps, tolerance=0.0)
        for value, error in zip((found.smallest, found.largest), found.errors, strict=True):
            assert np.min(np.abs(values - value)) <= error + 1e-4


def test_the_product_with_a_networks_hessian_does_not_depend_on_the_batches():
    module = Dense([4, 4, 3], rngs=nnx.Rngs(0))
    definition, state = nnx.split(module)
    parameters = nnx.to_pure_dict(state)
    images, labels = jax.random.normal(jax.random.key(0), (12, 2, 2, 1)), jnp.arange(12) % 3

    def batch_loss(parameters, batch):
        outputs = nnx.merge(definition, parameters, copy=True)(batch[0])
        return -jnp.take_along_axis(jax.nn.log_softmax(outputs), batch[1][:, None], axis=1).sum()

    def mean(flat):
        whole = jax.tree.map(lambda leaf: leaf, parameters)
        kernels = [leaf for leaf in jax.tree.leaves(parameters) if leaf.ndim > 1]
        wide = iter(ravel_pytree(kernels)[1](flat))
        leaves, structure = jax.tree.flatten(whole)
        moved = jax.tree.unflatten(structure, [next(wide) if leaf.ndim > 1 else leaf for leaf in leaves])
        return batch_loss(moved, (images, labels)) / 12

    origin, _ = ravel_pytree([leaf for leaf in jax.tree.leaves(parameters) if leaf.ndim > 1])
    assert kernel_count(parameters) == len(origin)
    direction = jax.random.normal(jax.random.key(1), origin.shape)
    expected = jax.hessian(mean)(origin) @ direction
    for parts in ([12], [5, 7], [1] * 12):
        ends = np.cumsum([0, *parts])
        batches = [(images[a:b], labels[a:b]) for a, b in pairwise(ends)]
        found = hessian_products(batch_loss, batches, 12)(parameters)(direction)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
