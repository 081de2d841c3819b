"""Dreams are as large as the photograph, and layers see more in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.synthesis.dream import Dream
from src.synthesis.features import features
from src.synthesis.goals import Energy
from src.synthesis.images import clouds, stored
from tests.synthesis.made import COLOURED, Convolutions

KEY = jax.random.key(0)
GOAL = Energy(features(Convolutions(), COLOURED, ["second"]), jnp.array([1.0]))
PHOTOGRAPH = stored(clouds((23, 31), 3, 0))


@pytest.mark.heavy
def test_layers_see_more_in_a_dream_of_the_same_size():
    told = []
    found = Dream(octaves=3, steps=4, rate=0.02)(GOAL, PHOTOGRAPH, KEY, lambda *each: told.append(each))
    assert [each.shape for each in found] == [(23, 31, 3)] * 3
    assert all((each.min() >= 0) & (each.max() <= 1) for each in found)
    energies = [float(GOAL(jnp.asarray(each)[None])[0]) for each in (PHOTOGRAPH / np.float32(255), *found)]
    assert energies == sorted(energies)
    assert energies[-1] > 1.5 * energies[0]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_sizes_grow_by_the_ratio_up_to_that_of_the_photograph():
    assert Dream(octaves=3, ratio=2.0).sizes(24, 32) == [(6, 8), (12, 16), (24, 32)]
    assert Dream(octaves=1).sizes(24, 32) == [(24, 32)]
    with pytest.raises(UserError, match="octaves=9: the smallest size of 32x24 pixels would be nothing"):
        Dream(octaves=9, ratio=2.0).sizes(24, 32)


@pytest.mark.heavy
def test_the_same_key_gives_the_same_dream_and_another_one_another():
    dream = Dream(octaves=1, steps=2)
    one, again, other = (
        dream(
            GOAL,
            PHOTOGRAPH,
            key,
        )[-1]
        for key in (KEY, KEY, jax.random.key(1))
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.heavy
def test_one_size_without_jitter_is_plain_ascent():
    dream = Dream(octaves=1, steps=1, rate=0.01, jitter=0)
    (found,) = dream(GOAL, PHOTOGRAPH, KEY)
    image = jnp.asarray(PHOTOGRAPH / np.float32(255))[None]
    gradient = jax.grad(lambda images: GOAL(images).sum())(image)
    expected = jnp.clip(image + 0.01 * gradient / jnp.abs(gradient).mean(), 0, 1)
    np.testing.assert_allclose(found, expected[0], atol=1e-5)
