"""One's own arrays: inputs and targets by name, splits by prefix, and what is wrong with them in one line."""

import numpy as np
import pytest

from src.config.errors import UserError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4


@pytest.fixture
def dataset(tmp_path, compose):
    def read(*arguments, **arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return compose("data=arrays", f"data.root={tmp_path / 'mine.npz'}", *arguments).dataset()

    return read


def test_every_example_is_in_one_split_with_its_target(dataset):
    found = dataset("data.validation=3", inputs=PIXELS, label=LABELS)
    assert (len(found.train), len(found.validation), len(found.test)) == (13, 3, 4)
    assert found.spec.class_names == ("0", "1", "2", "3")
    labels = {image.tobytes(): label for image, label in zip(PIXELS, LABELS, strict=True)}
    for split in (found.train, found.validation, found.test):
        assert [labels.pop(image.tobytes()) for image in split.inputs] == split.targets["label"].tolist()
    assert not labels


def test_splits_and_class_names_of_the_file_are_used(dataset):
    found = dataset(
        inputs=PIXELS, label=LABELS, test_inputs=PIXELS[:3], test_label=LABELS[:3], validation_inputs=PIXELS[3:5],
        validation_label=LABELS[3:5], class_names=np.array(["a", "b", "c", "d"]),
    )  # fmt: skip
    assert (len(found.train), len(found.validation), len(found.test)) == (20, 2, 3)
    assert found.spec.class_names == ("a", "b", "c", "d")


def test_other_targets_come_along(dataset):
    masks = RNG.integers(0, 3, (20, 8, 8), dtype=np.uint8)
    found = dataset("data.targets=[mask]", "data.inputs=pixels", pixels=PIXELS, mask=masks)
    assert found.spec.targets["mask"].shape == (8, 8)
    assert found.spec.classes == 3
    known = {image.tobytes(): mask for image, mask in zip(PIXELS, masks, strict=True)}
    for image, mask in zip(found.test.inputs, found.test.targets["mask"], strict=True):
        np.testing.assert_array_equal(known[image.tobytes()], mask)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"inputs": PIXELS, "labels": LABELS}, r"has no array label; did you mean 'labels'\?; it has inputs, labels"),
        ({"inputs": PIXELS, "label": LABELS[:9]}, "20 inputs and 9 of label"),
        ({"inputs": PIXELS / 255, "label": LABELS}, r"inputs is float64 \(20, 8, 8, 3\); uint8 pixels"),
        ({"inputs": np.array([None, 1]), "label": LABELS}, "is no file of np.savez with plain arrays"),
    ],
)
def test_what_does_not_fit_is_one_line(dataset, arrays, said):
    with pytest.raises(UserError, match=said) as caught:
        dataset(**arrays)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_is_something_else(tmp_path, compose):
    with pytest.raises(UserError, match=r"data.root=.*none.npz is not there"):
        compose("data=arrays", f"data.root={tmp_path / 'none.npz'}").dataset()
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(UserError, match=r"is no file of np.savez"):
        compose("data=arrays", f"data.root={tmp_path / 'text.npz'}").dataset()
