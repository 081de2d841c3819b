"""The randomness contract, as far as data go: order and changes depend on seed, epoch and example alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.data.batches import Resident, evaluation_batch, normalization, resident, training_batch, window
from src.data.examples import Split
from src.data.settings import AugmentSettings
from src.randomness import at, stream

EXAMPLES = 50
AUGMENT = AugmentSettings(crop=2, flip=True, fill="mean")


@pytest.fixture
def data():
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, 6, 6, 3), dtype=np.uint8)
    split = Split(images, np.arange(EXAMPLES, dtype=np.int32))
    return jax.tree.map(jnp.asarray, resident(split, normalization("channel", images)))


def batches(data: Resident, size, steps, augment=None, seed=0):
    """The examples of several steps, each with its labels, which name the examples here."""
    for step in range(steps):
        order = window(stream(seed, "order"), step * size // EXAMPLES, EXAMPLES)
        yield training_batch(data, order, step * size, size, augment, stream(seed, "augmentation"))


@pytest.mark.parametrize("size", [1, 7, 10, 50])
def test_every_example_is_seen_once_an_epoch(data, size):
    epochs = 7
    seen = np.concatenate([batch.labels for batch in batches(data, size, epochs * EXAMPLES // size)])
    for epoch in range(epochs):
        assert sorted(seen[epoch * EXAMPLES : (epoch + 1) * EXAMPLES]) == list(range(EXAMPLES))


def test_neither_order_nor_changes_depend_on_the_batch_size(data):
    small = list(batches(data, 5, 20, AUGMENT))
    large = list(batches(data, 25, 4, AUGMENT))
    np.testing.assert_array_equal(
        np.concatenate([batch.labels for batch in small]), np.concatenate([batch.labels for batch in large])
    )
    np.testing.assert_array_equal(
        np.concatenate([batch.images for batch in small]), np.concatenate([batch.images for batch in large])
    )


def test_seeds_and_epochs_differ(data):
    orders = {
        tuple(np.asarray(window(stream(seed, "order"), epoch, EXAMPLES).order)) for seed in (0, 1) for epoch in (0, 2)
    }
    assert len(orders) == 4
    first, later = (next(iter(batches(data, 50, 1, AUGMENT, seed))).images for seed in (0, 1))
    assert not np.array_equal(first, later)


def test_two_epochs_of_a_window_are_those_that_stand_alone():
    key = stream(0, "order")
    both, second = window(key, 3, EXAMPLES).order, window(key, 4, EXAMPLES).order
    np.testing.assert_array_equal(both[EXAMPLES:], second[:EXAMPLES])


def test_streams_are_independent():
    keys = {
        jax.random.key_data(at(stream(seed, name), 5)).tobytes()
        for seed in (0, 1)
        for name in ("order", "augmentation")
    }
    assert len(keys) == 4


@pytest.mark.parametrize("size", [1, 7, 50, 64])
def test_evaluation_counts_every_example_once(data, size):
    parts = [evaluation_batch(data, first, size) for first in range(0, EXAMPLES, size)]
    labels = np.concatenate([part.labels for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    assert sorted(labels[weights == 1]) == list(range(EXAMPLES))


def test_a_changed_image_is_a_window_of_the_padded_one_or_of_its_mirror_image(data):
    (plain,) = batches(data, EXAMPLES, 1)
    (changed,) = batches(data, EXAMPLES, 1, AUGMENT)
    windows = set()
    for before, after in zip(np.asarray(plain.images), np.asarray(changed.images), strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)))
        candidates = {
            (top, left, mirrored): padded[top : top + 6, left : left + 6][:, :: -1 if mirrored else 1]
            for top in range(5)
            for left in range(5)
            for mirrored in (False, True)
        }
        matches = [place for place, candidate in candidates.items() if np.array_equal(candidate, after)]
        assert matches
        windows.update(matches[:1])
    assert {mirrored for *_, mirrored in windows} == {False, True}
    assert len(windows) > 15


def test_black_padding_shows_black_pixels(data):
    (changed,) = batches(data, EXAMPLES, 1, AugmentSettings(crop=6, flip=False, fill="black"))
    black = np.asarray(-data.mean / data.deviation).ravel()
    corners = np.asarray(changed.images)[:, 0, 0]
    assert np.isclose(corners, black).all(axis=-1).any()
    assert not (np.asarray(changed.images) == 0).all(axis=-1).any()


def test_normalization_is_what_it_says():
    images = np.random.default_rng(0).integers(0, 256, (200, 5, 5, 3), dtype=np.uint8)
    mean, deviation = normalization("channel", images)
    np.testing.assert_allclose(mean.ravel(), images.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation.ravel(), images.std(axis=(0, 1, 2)), rtol=1e-6)
    mean, deviation = normalization("pixel", images)
    np.testing.assert_allclose(mean, images.mean(axis=0), rtol=1e-6)
    assert deviation.item() == 255
