"""The randomness contract, as far as data go: order and changes depend on seed, epoch and example alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.data.batches import (
    Batching,
    DeviceDataset,
    device_dataset,
    evaluation_batch,
    filled_batch,
    normalization,
    shuffle_order,
    training_batch,
)
from src.data.examples import labelled
from src.data.settings import AugmentSettings
from src.randomness import at, stream
from src.tasks.classification import MIXED_LABEL, OWN_WEIGHT, Classification

EXAMPLES = 50
TASK = Classification(label_smoothing=0.0)
NONE = AugmentSettings(crop=0, flip=False, fill="mean", cutout=0, mixup=0.0, cutmix=0.0)
AUGMENT = NONE.model_copy(update={"crop": 2, "flip": True})


@pytest.fixture
def data():
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, 6, 6, 3), dtype=np.uint8)
    split = labelled(images, np.arange(EXAMPLES, dtype=np.int32))
    return jax.tree.map(jnp.asarray, device_dataset(split, normalization("channel", images)))


def batches(data: DeviceDataset, size, steps, augment=None, seed=0):
    """The examples of several steps, each with its labels, which name the examples here."""
    for step in range(steps):
        order = shuffle_order(stream(seed, "order"), step * size // EXAMPLES, EXAMPLES)
        batching = Batching(size, augment, stream(seed, "augmentation"), TASK)
        yield training_batch(data, order, step, jnp.arange(size), batching)


@pytest.mark.heavy
@pytest.mark.parametrize("size", [1, 7, 10, 50])
def test_every_example_is_seen_once_an_epoch(data, size):
    epochs = 7
    seen = np.concatenate([batch.targets["label"] for batch in batches(data, size, epochs * EXAMPLES // size)])
    for epoch in range(epochs):
        assert sorted(seen[epoch * EXAMPLES : (epoch + 1) * EXAMPLES]) == list(range(EXAMPLES))


@pytest.mark.heavy
def test_neither_order_nor_changes_depend_on_the_batch_size(data):
    small = list(batches(data, 5, 20, AUGMENT))
    large = list(batches(data, 25, 4, AUGMENT))
    np.testing.assert_array_equal(
        np.concatenate([batch.targets["label"] for batch in small]),
        np.concatenate([batch.targets["label"] for batch in large]),
    )
    np.testing.assert_array_equal(
        np.concatenate([batch.inputs for batch in small]), np.concatenate([batch.inputs for batch in large])
    )


def test_seeds_and_epochs_differ(data):
    orders = {
        tuple(np.asarray(shuffle_order(stream(seed, "order"), epoch, EXAMPLES).order))
        for seed in (0, 1)
        for epoch in (0, 2)
    }
    assert len(orders) == 4
    first, later = (next(iter(batches(data, 50, 1, AUGMENT, seed))).inputs for seed in (0, 1))
    assert not np.array_equal(first, later)


def test_two_epochs_of_a_window_are_those_that_stand_alone():
    key = stream(0, "order")
    both, second = shuffle_order(key, 3, EXAMPLES).order, shuffle_order(key, 4, EXAMPLES).order
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
    parts = [filled_batch(data, first, size) for first in range(0, EXAMPLES, size)]
    labels = np.concatenate([part.targets["label"] for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    assert sorted(labels[weights == 1]) == list(range(EXAMPLES))


@pytest.mark.parametrize("size", [1, 7, 50, 64])
def test_batches_outside_compiled_functions_hold_no_example_twice(data, size):
    parts = [evaluation_batch(data, first, size) for first in range(0, EXAMPLES, size)]
    assert np.concatenate([part.targets["label"] for part in parts]).tolist() == list(range(EXAMPLES))
    assert all((part.weights == 1).all() for part in parts)


@pytest.mark.parametrize(("first", "size"), [(0, 0), (0, -1), (-1, 5), (EXAMPLES, 5)])
def test_a_batch_of_nothing_is_refused(data, first, size):
    with pytest.raises(UserError, match=f"^first={first}, size={size}: there are no such examples; the split has"):
        evaluation_batch(data, first, size)


def test_a_changed_image_is_a_window_of_the_padded_one_or_of_its_mirror_image(data):
    (plain,) = batches(data, EXAMPLES, 1)
    (changed,) = batches(data, EXAMPLES, 1, AUGMENT)
    windows = set()
    for before, after in zip(np.asarray(plain.inputs), np.asarray(changed.inputs), strict=True):
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
    (changed,) = batches(data, EXAMPLES, 1, NONE.model_copy(update={"crop": 6, "fill": "black"}))
    black = np.asarray(-data.constants.mean / data.constants.std).ravel()
    corners = np.asarray(changed.inputs)[:, 0, 0]
    assert np.isclose(corners, black).all(axis=-1).any()
    assert not (np.asarray(changed.inputs) == 0).all(axis=-1).any()


def test_normalization_is_what_it_says():
    images = np.random.default_rng(0).integers(0, 256, (200, 5, 5, 3), dtype=np.uint8)
    mean, std = normalization("channel", images)
    np.testing.assert_allclose(mean.ravel(), images.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(std.ravel(), images.std(axis=(0, 1, 2)), rtol=1e-6)
    mean, std = normalization("pixel", images)
    np.testing.assert_allclose(mean, images.mean(axis=0), rtol=1e-6)
    assert std.item() == 255


def test_cutout_leaves_out_a_square(data):
    (plain,) = batches(data, EXAMPLES, 1)
    (changed,) = batches(data, EXAMPLES, 1, NONE.model_copy(update={"cutout": 3}))
    cut = np.any(np.asarray(plain.inputs) != np.asarray(changed.inputs), axis=-1)
    assert not np.asarray(changed.inputs)[cut].any()
    areas = cut.sum(axis=(1, 2))
    assert areas.max() == 9
    assert areas.min() >= 4  # a corner keeps the square's centre
    for mask in cut:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == len(rows) * len(columns)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixtures_are_what_they_say(data, kind):
    """Every image is mixed with its partner in the stated shares, and labels go with them."""
    (plain,) = batches(data, EXAMPLES, 1)
    (batch,) = batches(data, EXAMPLES, 1, NONE.model_copy(update={kind: 1.0}))
    own, other = np.asarray(plain.inputs), np.asarray(plain.inputs)[::-1]
    np.testing.assert_array_equal(batch.targets["label"], plain.targets["label"])
    np.testing.assert_array_equal(batch.targets[MIXED_LABEL], np.asarray(plain.targets["label"])[::-1])
    shares = np.asarray(batch.targets[OWN_WEIGHT])[:, None, None, None]
    if kind == "mixup":
        np.testing.assert_allclose(batch.inputs, shares * own + (1 - shares) * other, rtol=1e-5, atol=1e-5)
        assert shares.min() >= 0.5
    else:
        taken = np.all(np.asarray(batch.inputs) == other, axis=-1)
        kept = np.all(np.asarray(batch.inputs) == own, axis=-1)
        assert (taken | kept).all()
        np.testing.assert_allclose(1 - taken.mean(axis=(1, 2)), shares.ravel(), atol=0.03)
    assert np.unique(shares).size / EXAMPLES > 0.2


@pytest.mark.heavy
@pytest.mark.parametrize("size", [2, 3, 7, 8])
def test_no_image_is_its_own_partner(data, size):
    mixup = NONE.model_copy(update={"mixup": 1.0})
    for batch in batches(data, size, EXAMPLES // size, mixup):
        own, other = np.asarray(batch.targets["label"]), np.asarray(batch.targets[MIXED_LABEL])
        assert (own != other).all()
        pairs = np.arange(size) != size // 2 if size % 2 else np.arange(size) >= 0
        np.testing.assert_array_equal(other[pairs], own[::-1][pairs])
        if size % 2:
            assert other[size // 2] == own[size // 2 + 1]


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_partners_come_from_the_whole_batch_whatever_part_a_device_makes(data, kind):
    batching = Batching(EXAMPLES, NONE.model_copy(update={kind: 0.5, "crop": 1}), stream(0, "augmentation"), TASK)
    order = shuffle_order(stream(0, "order"), 0, EXAMPLES)
    whole = training_batch(data, order, 0, jnp.arange(EXAMPLES), batching)
    parts = [training_batch(data, order, 0, first + jnp.arange(10), batching) for first in range(0, EXAMPLES, 10)]
    joined = jax.tree.map(lambda *arrays: np.concatenate(arrays), *[(part.inputs, part.targets) for part in parts])
    jax.tree.map(np.testing.assert_array_equal, (whole.inputs, whole.targets), joined)
