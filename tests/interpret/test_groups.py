"""Made-up filters in groups that differ are told from groups that do not, and groups are where AlexNet has them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.groups import colour_shares, first_filters, halves_differ
from tests.models.networks import read


def grey_and_coloured(each):
    """Filters that see brightness alone, then as many whose channels cancel."""
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.normal(size=(5, 5, 1, each)), 3, axis=2)
    coloured = rng.normal(size=(5, 5, 3, each))
    return np.concatenate([grey, coloured - coloured.mean(axis=2, keepdims=True)], axis=-1)


def test_colour_is_what_differs_between_channels():
    np.testing.assert_allclose(colour_shares(grey_and_coloured(3)), [0, 0, 0, 1, 1, 1], atol=1e-12)
    random = np.random.default_rng(1).normal(size=(5, 5, 3, 2000))
    assert colour_shares(random).mean() == pytest.approx(2 / 3, abs=0.01)
    assert colour_shares(np.array([2.0, 1.0, 0.0]).reshape(1, 1, 3, 1))[0] == pytest.approx(2 / 5)


def test_a_grey_and_a_coloured_group_differ():
    found = halves_differ(colour_shares(grey_and_coloured(12)), seed=0)
    assert found.means == pytest.approx((0, 1))
    assert found.difference == pytest.approx(1)
    assert found.p < 0.001


def test_a_group_of_which_nothing_is_known_differs_from_nothing():
    found = halves_differ(np.array([np.nan] * 4 + [0.1, 0.2, 0.3, 0.4]), seed=0)
    assert np.isnan([*found.means, found.difference, found.p]).all()


def test_shuffled_over_both_groups_they_do_not():
    shares = colour_shares(grey_and_coloured(12))
    ps = [halves_differ(np.random.default_rng(seed).permutation(shares), seed).p for seed in range(20)]
    assert sum(p < 0.05 for p in ps) <= 3
    assert np.mean(ps) > 0.3


def test_the_rarest_of_few_orders_has_its_exact_probability():
    """Two of the six ways to choose two numbers of four differ as much."""
    assert halves_differ(np.array([0.0, 0.0, 1.0, 1.0]), seed=0).p == pytest.approx(2 / 6, abs=0.02)


@pytest.mark.heavy
def test_each_half_of_the_first_filters_feeds_one_group():
    network = read("alexnet", variant="paper", small=True).build((16, 16, 3), 10, rngs=nnx.Rngs(0))
    assert first_filters(network).shape == (5, 5, 3, 96)
    second = network.features[3].conv
    maps = jax.random.normal(jax.random.key(0), (1, 7, 7, 96))
    differs = second(maps)[0] != second(maps.at[..., :48].set(0))[0]
    assert jnp.array_equal(differs.any(axis=(0, 1)), jnp.arange(256) < 128)


@pytest.mark.heavy
def test_grey_images_and_other_networks_are_refused():
    with pytest.raises(UserError, match="filters for images of one channel have no colours"):
        first_filters(read("alexnet", small=True).build((16, 16, 1), 10, rngs=nnx.Rngs(0)))
    with pytest.raises(UserError, match="groups are looked for in networks such as model=alexnet"):
        first_filters(read("linear").build((16, 16, 3), 10, rngs=nnx.Rngs(0)))


def test_filters_without_energy_are_left_out():
    filters = grey_and_coloured(12)
    filters[..., 0] = 0
    found = halves_differ(colour_shares(filters), seed=0)
    assert found.means == pytest.approx((0, 1))
    assert 0 < found.p < 0.001
