"""Directions: as long as the network's filters, orthogonal, and those that explain a path."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from src.config.errors import UserError
from src.landscape.directions import between, gaussian, orthogonal, principal
from src.models.resnet_cifar import CifarResNet


@pytest.fixture(scope="module")
def parameters():
    module = CifarResNet(8, "B", channels=3, outputs=10, rngs=nnx.Rngs(0))
    return nnx.to_pure_dict(nnx.state(module, nnx.Param))


def length(x, axes):
    return np.sqrt(np.sum(np.square(x), axis=axes))


@pytest.mark.heavy
def test_every_filter_is_as_long_as_the_networks(parameters):
    direction = gaussian(jax.random.key(0), parameters)
    for weights, own in zip(jax.tree.leaves(parameters), jax.tree.leaves(direction), strict=True):
        if weights.ndim == 1:
            assert not own.any()
        else:
            axes = tuple(range(weights.ndim - 1))
            np.testing.assert_allclose(length(own, axes), length(weights, axes), rtol=1e-5)


@pytest.mark.heavy
def test_a_layer_as_a_whole_or_nothing_at_all(parameters):
    for weights, layer, bare in zip(
        *(
            jax.tree.leaves(tree)
            for tree in (parameters, *(gaussian(jax.random.key(0), parameters, kind) for kind in ("layer", "none")))
        ),
        strict=True,
    ):
        if weights.ndim > 1:
            assert length(layer, None) == pytest.approx(length(weights, None), rel=1e-5)
            assert bare.std() == pytest.approx(1, abs=0.2)


@pytest.mark.heavy
def test_one_dimensional_tensors_move_if_asked_each_number_by_its_own_size(parameters):
    direction = gaussian(jax.random.key(0), parameters, one_dimensional=True)
    np.testing.assert_allclose(
        abs(direction["stem"]["norm"]["scale"]), abs(parameters["stem"]["norm"]["scale"]), rtol=1e-5
    )


@pytest.mark.heavy
def test_seeds_repeat_and_differ(parameters):
    one, again, other = (gaussian(jax.random.key(seed), parameters) for seed in (0, 0, 1))
    assert jax.tree.all(jax.tree.map(jnp.array_equal, one, again))
    assert abs(optax.tree.vdot(one, other)) < 0.05 * optax.tree.vdot(one, one)


def test_what_is_orthogonal_has_no_part_along_the_other(parameters):
    one, other = (gaussian(jax.random.key(seed), parameters) for seed in (0, 1))
    assert abs(optax.tree.vdot(orthogonal(one, other), other)) < 1e-4 * optax.tree.vdot(other, other)


def test_principal_directions_are_those_of_the_singular_values():
    points = jax.random.normal(jax.random.key(3), (5, 7)) * jnp.array([9, 4, 2, 1, 1, 1, 1.0])
    end = {"a": {"kernel": jnp.ones((7, 1))}}
    path = [{"a": {"kernel": 1 + point[:, None]}} for point in points]
    found = principal(path, end)
    _, sizes, rows = np.linalg.svd(points)
    np.testing.assert_allclose(found.explained, sizes[:2] ** 2 / (sizes**2).sum(), rtol=1e-5)
    for direction, row in zip(found.directions, rows, strict=False):
        assert abs(direction["a"]["kernel"][:, 0] @ row) == pytest.approx(1, rel=1e-5)


def test_another_network_is_named_by_its_layer(parameters):
    other = nnx.to_pure_dict(nnx.state(CifarResNet(8, "none", channels=1, outputs=10, rngs=nnx.Rngs(0)), nnx.Param))
    with pytest.raises(
        UserError, match=r"^directions of another network: blocks.1.shortcut.conv.kernel is absent there"
    ):
        between(parameters, other)


def test_a_short_path_has_no_plane():
    with pytest.raises(UserError, match="2 principal directions need at least 2 checkpoints besides the last, not 1"):
        principal([{"a": jnp.ones(2)}], {"a": jnp.zeros(2)})


@pytest.mark.parametrize("steps", [(0.0, 0.0, 0.0), (3.0, 2.0, 1.0)])
def test_a_path_that_stands_still_or_is_straight_has_no_plane(steps):
    path = [{"a": step * jnp.ones(3)} for step in steps]
    with pytest.raises(UserError, match="the path does not lead in 2 directions"):
        principal(path, {"a": jnp.zeros(3)})
