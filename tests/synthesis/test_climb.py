"""What holds of images that climb, and of what they climb."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.synthesis.climb import Way, climb, further
from src.synthesis.features import features
from src.synthesis.goals import Alike, Energy, Units
from src.synthesis.images import clouds, stored
from src.synthesis.parametrization import OfPhases, OfPixels, OfWaves, weights
from src.synthesis.priors import FARTHEST, STEP, Priors, alpha_norm, total_variation
from src.synthesis.transforms import blurred, centred, jittered, zoomed
from src.synthesis.ways import ways
from tests.synthesis.made import COLOURED, SHAPE, Convolutions

KEY = jax.random.key(0)
KEYS = jax.random.split(KEY, 3)
SCORES = features(Convolutions(), COLOURED)
GOAL = Units(SCORES, jnp.array([0, 1, 3]))
GREY = np.full((3, *SHAPE), 0.5, np.float32)
PIXELS = jax.random.uniform(KEY, (3, *SHAPE))
WAYS = ways(SHAPE, 12)
SHIFTED, ZOOMED = (jax.jit(each, static_argnums=1) for each in (jittered, zoomed))
BLURRED = jax.jit(blurred)


@pytest.mark.heavy
@pytest.mark.parametrize("name", WAYS)
def test_every_way_raises_the_scores_inside_the_pixel_range(name):
    found = climb(GOAL, WAYS[name], GREY, KEY, [0, 6])
    assert found.steps.tolist() == [0, 6, 12]
    assert found.images.shape == (3, 3, *SHAPE)
    assert found.values.shape == (12, 3)
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    before, after = (np.asarray(GOAL(jnp.asarray(found.images[place]))) for place in (0, -1))
    assert (after > before + 0.01).all()
    if name in ("plain", "l2"):  # the others look at changed images
        np.testing.assert_allclose(found.values[0], before, rtol=1e-4, atol=1e-5)
    again = climb(GOAL, WAYS[name], GREY, KEY, [0, 6])
    assert np.array_equal(found.images, again.images)


@pytest.mark.heavy
def test_an_image_does_not_hang_on_its_batch():
    """Its noise, its shifts and its windows are its own."""
    found = climb(GOAL, WAYS["waves"], GREY, KEY, [6]).images[0]
    alone = climb(Units(SCORES, jnp.array([0])), WAYS["waves"], GREY[:1], KEY, [6]).images[0]
    np.testing.assert_allclose(found[:1], alone, atol=2e-3)


def test_images_that_are_kept_on_the_way_change_nothing_and_steps_are_compiled_once():
    way = WAYS["waves"]
    whole = climb(GOAL, way, GREY, KEY)
    compiled = further._cache_size()
    parts = climb(replace(GOAL, units=jnp.array([0, 1, 3])), way, GREY, KEY, range(13))
    assert further._cache_size() == compiled
    np.testing.assert_array_equal(whole.images[-1], parts.images[-1])
    np.testing.assert_array_equal(whole.values, parts.values)


@pytest.mark.heavy
def test_a_step_is_along_the_gradient_and_of_the_length_that_was_asked_for():
    way = Way(parametrization=OfPixels(shape=SHAPE), steps=1, rate=0.01)
    change = climb(GOAL, way, GREY, KEY).images[-1] - GREY
    gradient = np.asarray(jax.grad(lambda images: GOAL(images).sum())(jnp.asarray(GREY)))
    np.testing.assert_allclose(np.abs(change).mean(axis=(1, 2, 3)), 0.01, rtol=1e-3)
    expected = 0.01 * gradient / np.abs(gradient).mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(change, expected, atol=1e-6)


@pytest.mark.heavy
def test_the_gradient_of_the_energy_of_a_layer_is_what_the_layer_sees():
    """DeepDream sets the gradient of a layer to its activation: that is the gradient of half the squared norm."""
    seen = features(Convolutions(), COLOURED, ["second"])

    def layer(images):
        return seen(images)[0]

    activation, back = jax.vjp(layer, PIXELS)
    (rule,) = back(activation)
    half = jax.grad(lambda images: (layer(images) ** 2).sum() / 2)(PIXELS)
    np.testing.assert_allclose(half, rule, rtol=1e-4, atol=1e-5)
    energy = jax.grad(lambda images: Energy(seen, jnp.array([1.0]))(images).sum())(PIXELS)
    np.testing.assert_allclose(energy * activation[0].size, rule, rtol=1e-4, atol=1e-5)


def test_energies_of_layers_are_added_with_their_weights():
    first, second = (features(Convolutions(), COLOURED, [name]) for name in ("first", "second"))
    both = features(Convolutions(), COLOURED, ["first", "second"])
    one, two = (Energy(each, jnp.array([1.0]))(PIXELS) for each in (first, second))
    np.testing.assert_allclose(Energy(both, jnp.array([2.0, 0.5]))(PIXELS), 2 * one + two / 2, rtol=1e-5)


def test_a_unit_is_the_mean_of_its_map_and_codes_are_nearest_to_themselves():
    seen = features(Convolutions(), COLOURED, ["first"])
    maps = seen(PIXELS)[0]
    np.testing.assert_allclose(
        Units(seen, jnp.array([7, 0, 2]))(PIXELS), maps.mean(axis=(1, 2))[np.arange(3), [7, 0, 2]], rtol=1e-4, atol=1e-5
    )
    alike = Alike(seen, [maps], 3.0)
    np.testing.assert_allclose(alike(PIXELS), 0, atol=1e-6)
    np.testing.assert_allclose(Alike(seen, [maps / 2], 3.0)(PIXELS), -3, rtol=1e-4)


@pytest.mark.heavy
def test_total_variation_and_norm_by_hand():
    image = np.zeros((1, 2, 2, 1), np.float32)
    image[0, 0, 0] = 0.3
    image = jnp.asarray(image)
    assert total_variation(image, 2.0)[0] == pytest.approx(2 * 0.3**2 / 4)
    assert total_variation(image, 1.0)[0] == pytest.approx(np.sqrt(2) * 0.3 / 4, rel=1e-5)
    assert alpha_norm(image, 2.0)[0] == pytest.approx((3 * 0.5**2 + 0.2**2) / 4)
    assert alpha_norm(image, 6.0)[0] == pytest.approx((3 * 0.5**6 + 0.2**6) / 4, rel=1e-5)
    both = Priors(norm=2.0, alpha=6.0, variation=3.0, beta=1.0)(image)
    expected = 2 * alpha_norm(image, 6.0) / FARTHEST**6 + 3 * total_variation(image, 1.0) / STEP
    np.testing.assert_allclose(both, expected, rtol=1e-6)
    flat = jax.grad(lambda images: Priors(norm=1.0, variation=1.0, beta=1.0)(images).sum())(jnp.asarray(GREY))
    np.testing.assert_array_equal(flat, 0)


@pytest.mark.heavy
def test_priors_keep_images_smooth_and_near_grey():
    free = climb(GOAL, WAYS["plain"], GREY, KEY).images[-1]
    for priors, measure in ((Priors(norm=300.0), alpha_norm), (Priors(variation=1.0), total_variation)):
        kept = climb(GOAL, replace(WAYS["plain"], priors=priors), GREY, KEY).images[-1]
        assert (np.asarray(measure(jnp.asarray(kept))) < 0.9 * np.asarray(measure(jnp.asarray(free)))).all()


@pytest.mark.heavy
@pytest.mark.parametrize("size", [(6, 6), (5, 7)])
def test_waves_begin_as_the_image_that_is_given(size):
    image = jnp.asarray(clouds(size, 3, 0))[None]
    waves = OfWaves(shape=image.shape[1:])
    np.testing.assert_allclose(waves.images(waves.begin(image, 0.0, KEYS[:1])), image.clip(0.01, 0.99), atol=1e-4)


def test_phases_keep_the_strengths_of_natural_images():
    phases = OfPhases(shape=(16, 12, 1))
    images = phases.images(phases.begin(jnp.zeros((3, 16, 12, 1)), 0.0, KEYS))
    values = np.log(images) - np.log1p(-images)
    found = np.abs(np.fft.rfft2(values, axes=(1, 2)))[:, 1:8, 1:6]  # without waves that have no phase
    expected = weights((16, 12, 1))[1:8, 1:6]
    np.testing.assert_allclose(found / expected, np.broadcast_to((found / expected)[:, :1, :1], found.shape), rtol=1e-2)


@pytest.mark.heavy
def test_images_are_shifted_and_zoomed_each_by_its_own_key():
    shifted = np.asarray(SHIFTED(PIXELS, 2, KEYS))
    assert not np.array_equal(shifted, PIXELS)
    for own, image in zip(shifted, np.asarray(PIXELS), strict=True):
        places = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
        assert sum(np.array_equal(own, np.roll(image, place, (0, 1))) for place in places) == 1
    ramp = jnp.broadcast_to(jnp.linspace(0, 1, 8)[None, :, None, None], (3, 8, 8, 1))
    seen = np.asarray(ZOOMED(ramp, 0.5, KEYS))[:, 1:-1, 4, 0]
    slopes = np.diff(seen, axis=1)
    assert ((slopes > 0.49 / 7) & (slopes < 1 / 7)).all()
    assert len({*slopes[:, 2].tolist()}) == 3
    np.testing.assert_allclose(ZOOMED(PIXELS, 1.0, KEYS), PIXELS, atol=1e-5)


@pytest.mark.heavy
def test_a_blur_keeps_what_is_even_and_the_middle_changes_most():
    np.testing.assert_allclose(BLURRED(jnp.asarray(GREY), jnp.float32(2.0)), GREY, atol=1e-6)
    np.testing.assert_allclose(BLURRED(PIXELS, jnp.float32(0.0)), PIXELS, atol=1e-6)
    assert np.var(BLURRED(PIXELS, jnp.float32(1.0))) < np.var(PIXELS) / 2
    middle = np.asarray(centred((5, 7, 3), 0.3))[..., 0]
    assert middle.argmax() == 17
    assert middle[2, 3] == 1
    way = Way(parametrization=OfPixels(shape=SHAPE, centre=0.2), steps=3, rate=0.01)
    change = np.abs(climb(GOAL, way, GREY, KEY).images[-1] - GREY).mean(axis=(0, 3))
    assert change[2:4, 2:4].mean() > 4 * change[[0, 0, -1, -1], [0, -1, 0, -1]].mean()


def test_images_out_of_range_are_refused():
    with pytest.raises(UserError, match="images are uint8, or floating-point numbers from 0 to 1"):
        climb(GOAL, WAYS["plain"], 2 * GREY + 0.5, KEY)


def test_clouds_are_drawn_of_any_size():
    assert clouds((5, 8), 1, 0).shape == (5, 8, 1)
    coloured = clouds((40, 60), 3, 0)
    assert np.array_equal(coloured, clouds((40, 60), 3, 0))
    assert not np.array_equal(coloured, clouds((40, 60), 3, 1))
    assert stored(coloured).dtype == np.uint8
    assert 0.2 < coloured.min() < coloured.max() < 1
