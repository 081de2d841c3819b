"""Drawn shapes: the same from the same seed, with masks and boxes that say the same."""

import numpy as np
import pytest

from src.config.errors import UserError
from src.data.shapes import CLASSES


@pytest.fixture(scope="module")
def dataset(compose):
    return compose("data=shapes", "data.train=60", "data.validation=10", "data.test=5", "model=linear").dataset()


def test_the_seed_draws_the_images(compose, dataset):
    arguments = ("data=shapes", "data.train=60", "data.validation=10", "data.test=5")
    again, other = (compose(*arguments, f"data.drawn={seed}").dataset() for seed in (0, 1))
    np.testing.assert_array_equal(dataset.train.inputs, again.train.inputs)
    assert (dataset.train.inputs != other.train.inputs).any()
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (50, 10, 5)


def test_boxes_enclose_the_pixels_of_their_shapes(dataset):
    targets = dataset.train.targets
    for mask, box, label, present in zip(
        *(targets[name] for name in ("mask", "box", "box_label", "box_present")), strict=True
    ):
        assert present[0]
        assert (label[~present] == 0).all()
        inside = np.zeros(mask.shape, bool)
        for (top, left, bottom, right), own in zip(box[present], label[present], strict=True):
            inside[top:bottom, left:right] = True
            assert 1 <= own < len(CLASSES)
        assert not mask[~inside].any()
        (top, left, bottom, right), last = box[present][-1], label[present][-1]  # nothing covers the last one
        rows, columns = np.nonzero(mask[top:bottom, left:right] == last)
        assert (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == (0, 0, bottom - top, right - left)


def test_every_class_and_every_number_of_shapes_is_drawn(dataset):
    targets = dataset.train.targets
    assert set(np.unique(targets["mask"])) == set(range(len(CLASSES)))
    assert set(targets["box_present"].sum(axis=1)) == {1, 2, 3}


def test_shapes_are_brighter_than_what_is_behind_them(dataset):
    grey, there = dataset.train.inputs.mean(-1), dataset.train.targets["mask"] > 0
    assert grey[there].mean() > 2 * grey[~there].mean()


def test_a_validation_split_that_takes_all_images_is_refused(compose):
    with pytest.raises(UserError, match=r"validation=60 leaves nothing of train=60 images"):
        compose("data=shapes", "data.train=60", "data.validation=60")
