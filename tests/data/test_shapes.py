"""Drawn shapes: the same from the same seed, with masks and boxes that say the same."""

import numpy as np
import pytest

from src.config.errors import UserError
from src.data.examples import checksum
from src.data.shapes import CLASSES, bounds, leaves_enough, seen
from src.runs.identity import run_hash


@pytest.fixture(scope="module")
def dataset(compose):
    return compose("data=shapes", "data.train=60", "data.validation=10", "data.test=5", "model=linear").dataset()


@pytest.mark.heavy
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


@pytest.mark.heavy
def test_the_images_of_former_times_are_drawn_again(compose):
    """And runs on them have the names that they had."""
    settings = compose("+experiment=segmentation_shapes")
    assert run_hash(settings) == "87ed52f6eb"
    assert checksum(settings.data.read()) == "d315ba44d5e14ae4eea95c5e464e76e8c94ebfb69ea6952d4ec3115a3da2b2eb"


SCENES = (
    "data=shapes", "data.train=60", "data.validation=10", "data.test=5", "data.image_size=48", "data.width=80",
    "data.shapes=6", "data.fewest=2", "data.smallest=0.08", "data.boxes=seen",
)  # fmt: skip


@pytest.fixture(scope="module")
def scenes(compose):
    return compose(*SCENES).dataset()


def test_scenes_have_any_size_and_number(scenes):
    targets = scenes.train.targets
    assert (scenes.spec.shape, targets["mask"].shape) == ((48, 80, 3), (50, 48, 80))
    assert set(targets["box_present"].sum(axis=1)) == {2, 3, 4, 5, 6}
    assert (targets["box"][~targets["box_present"]] == 0).all()


def test_boxes_of_what_is_seen_are_those_of_the_pixels(scenes):
    """Where boxes of one class do not meet, the mask inside one says exactly where it has to end."""
    targets, exact = scenes.train.targets, 0
    for mask, boxes, labels in zip(*(targets[name] for name in ("mask", "box", "box_label")), strict=True):
        for number, ((top, left, bottom, right), label) in enumerate(zip(boxes, labels, strict=True)):
            others = [box for k, box in enumerate(boxes) if k != number and labels[k] == label]
            meets = any(top < b and bottom > t and left < r and right > x for t, x, b, r in others)
            if not label or meets:
                continue
            rows, columns = np.nonzero(mask[top:bottom, left:right] == label)
            assert (rows.min(), columns.min(), rows.max(), columns.max()) == (0, 0, bottom - top - 1, right - left - 1)
            exact += 1
    assert exact > 100


def test_at_least_half_of_every_shape_is_seen():
    square = np.zeros((3, 8, 8), bool)
    square[0, 2:6, 2:6] = square[1, 2:6, 3:7] = square[2, 2:6, 4:8] = True
    left = seen(list(square))
    assert [part.sum() for part in left] == [4, 4, 16]
    assert bounds(left[0]) == (2, 2, 6, 3)
    assert leaves_enough([square[0]], square[2])
    assert not leaves_enough([square[0]], square[1])
    assert not leaves_enough([square[0], square[2]], square[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("data.fewest=4",), "fewest=4 is more than shapes=3, the largest number"),
        (("data.smallest=0.3",), "smallest=0.3 is more than largest=0.25"),
        (("data.fewest=40", "data.shapes=40", "data.boxes=seen"), "data.shapes=40 of this size have no place"),
    ],
)
def test_scenes_that_cannot_be_are_refused(compose, arguments, said):
    with pytest.raises(UserError, match=said):
        compose("data=shapes", *arguments).dataset()
