"""Effective fields, against what random filters come to on paper."""

import jax
import numpy as np
import pytest
from flax import nnx

from src.interpret.fields import effective_field, spread
from tests.models.networks import read, table


def stack(seed, *sides, width=16):
    rngs = nnx.Rngs(seed)
    inputs = [1, *[width] * (len(sides) - 1)]
    return nnx.Sequential(*[nnx.Conv(c, width, (side, side), rngs=rngs) for c, side in zip(inputs, sides, strict=True)])


@pytest.mark.parametrize("sides", [(7,), (3, 3, 3), (5, 3)])
def test_random_filters_spread_as_sums_of_squares(sides):
    networks = [stack(seed, *sides) for seed in range(20)]
    field = effective_field(networks, jax.random.normal(jax.random.key(0), (4, 17, 17, 1)), jax.random.key(1))
    assert field.shape == (1 + sum(side - 1 for side in sides),) * 2
    assert spread(field) == pytest.approx(np.sqrt(sum(side**2 - 1 for side in sides) / 12), rel=0.05)


def test_the_field_is_that_of_the_middle_output_alone():
    network = stack(0, 3)
    field = effective_field([network], jax.random.normal(jax.random.key(0), (2, 9, 9, 1)), jax.random.key(1))
    signs = jax.random.rademacher(jax.random.split(jax.random.key(1), 1)[0], (2, 16), field.dtype)
    expected = np.einsum("hwcd,bd->bhwc", network.layers[0].kernel[...], signs) ** 2
    np.testing.assert_allclose(field, expected.mean(axis=(0, 3)), rtol=1e-4)


@pytest.mark.heavy
def test_a_network_reaches_all_of_its_theoretical_field():
    settings = read("filter_stack", stem=5, stride=2, width=8)
    networks = [settings.build((32, 32, 3), 10, rngs=nnx.Rngs(seed)) for seed in range(4)]
    for network in networks:
        network.eval()
    images = jax.random.normal(jax.random.key(0), (8, 64, 64, 3))
    field = effective_field([network.maps for network in networks], images, jax.random.key(1))
    *_, last = [row.field for row in table(settings) if row.kind == "Conv"]
    assert field.shape == last.size


def test_all_of_the_weight_in_one_place_is_no_spread():
    field = np.zeros((5, 5))
    field[1, 3] = 2.0
    assert spread(field) == 0.0
