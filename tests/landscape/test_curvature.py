"""On a quadratic everything is known; on a network, the Hessian of JAX."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.flatten_util import ravel_pytree

from src.config.errors import UserError
from src.landscape.curvature import hessian_products, kernel_count, top_directions
from src.landscape.directions import check_same_network
from src.models.dense import Dense
from tests.landscape.quadratic import PARAMETERS, flat, loss, matrix


def test_products_with_the_hessian_of_a_quadratic_are_exact():
    product = hessian_products(loss, [matrix()], 1)(PARAMETERS)
    np.testing.assert_allclose(product(jnp.arange(6.0)), matrix() @ jnp.arange(6.0), rtol=1e-4, atol=1e-4)


def test_along_the_top_directions_a_quadratic_curves_by_its_largest_eigenvalues():
    directions, values = top_directions(hessian_products(loss, [matrix()], 1), PARAMETERS, jax.random.key(0))
    assert values == pytest.approx([10, 5], rel=1e-3)
    for direction, value in zip(directions, values, strict=True):
        check_same_network(PARAMETERS, direction)
        vector = flat(direction)
        np.testing.assert_allclose(matrix() @ vector, value * vector, atol=0.1)
        assert float(2 * loss(direction, matrix())) == pytest.approx(value, rel=1e-3)
    assert abs(optax.tree.vdot(*directions)) < 1e-5


def test_top_directions_leave_tensors_of_one_dimension_alone():
    parameters = {"dense": {"kernel": jnp.array([[1.0, 2.0]]), "bias": jnp.array([3.0, 4.0])}}

    def steep_in_the_bias(parameters, batch):
        own = parameters["dense"]
        return 4 * own["kernel"][0, 0] ** 2 + own["kernel"][0, 1] ** 2 + 100 * jnp.sum(own["bias"] ** 2)

    (first, _), values = top_directions(hessian_products(steep_in_the_bias, [None], 1), parameters, jax.random.key(0))
    assert values == pytest.approx([8, 2], rel=1e-4)
    np.testing.assert_allclose(np.abs(first["dense"]["kernel"]), [[1, 0]], atol=1e-3)
    assert not first["dense"]["bias"].any()


def test_where_the_loss_is_flat_there_is_no_direction():
    with pytest.raises(UserError, match="no 2 directions to draw along: the loss is flat there"):
        top_directions(hessian_products(loss, [0 * matrix()], 1), PARAMETERS, jax.random.key(0))


@pytest.mark.heavy
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
