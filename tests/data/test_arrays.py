"""One's own arrays: inputs and targets by name, splits by prefix, and what is wrong with them in one line."""

import re

import numpy as np
import pytest

from src.config.errors import UserError
from src.training.check import check_data

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
        ({"inputs": PIXELS, "mask": LABELS}, "has no array label; it has inputs, mask$"),
        ({"inputs": PIXELS[:0], "label": LABELS[:0]}, r"inputs is uint8 \(0, 8, 8, 3\); uint8 pixels \(n, h, w, c\)"),
        ({"inputs": np.zeros((0, 5), int), "label": LABELS[:0]}, r"inputs is int64 \(0, 5\)"),
        ({"inputs": PIXELS[:1], "label": LABELS[:1]}, "has no training examples"),
        ({"inputs": PIXELS, "label": LABELS.astype(str)}, r"label is <U21 \(20,\); numbers"),
        ({"inputs": PIXELS, "label": 3}, r"label is int64 \(\); numbers"),
        ({"inputs": PIXELS, "label": LABELS * 10**12}, "has the class 3000000000000"),
        ({"inputs": PIXELS, "label": LABELS, "class_names": "abcd"}, r"class_names has the shape \(\)"),
        ({"inputs": PIXELS, "label": LABELS, "test_label": LABELS[:3]}, "has no array test_inputs"),
        (
            {"inputs": PIXELS, "label": LABELS, "test_inputs": PIXELS[:3, :4], "test_label": LABELS[:3]},
            r"inputs of the test split have the shape \(4, 8, 3\), where \(8, 8, 3\) is needed",
        ),
        (
            {"inputs": PIXELS, "label": LABELS, "validation_inputs": PIXELS[:3], "validation_label": LABELS[:3, None]},
            r"label of the validation split has the shape \(3, 1\), where \(3,\) is needed",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(dataset, arrays, said):
    with pytest.raises(UserError, match=said) as caught:
        dataset(**arrays)
    assert "\n" not in str(caught.value)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (LABELS - 1, "the target label has the class -1; there are 3"),
        (LABELS + 0.5, r"the target label is float64 \(16,\); whole numbers \(n,\) are needed"),
        (LABELS[:, None], r"the target label is int32 \(16, 1\); whole numbers"),
        (np.eye(4)[LABELS], r"the target label is float64 \(16, 4\); whole numbers"),
    ],
)
def test_labels_that_are_no_classes_are_refused_before_anything_is_made(command, tmp_path, target, said):
    np.savez(tmp_path / "mine.npz", inputs=PIXELS, label=target)
    done = command("src.train", "data=arrays", f"data.root={tmp_path / 'mine.npz'}", "data.batch_size=4", check=False)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert not (tmp_path / "runs").exists()


def test_classes_without_a_name_are_refused(compose, tmp_path):
    np.savez(tmp_path / "mine.npz", inputs=PIXELS, label=LABELS, class_names=["a", "b"])
    settings = compose("data=arrays", f"data.root={tmp_path / 'mine.npz'}", "data.batch_size=4")
    with pytest.raises(UserError, match="the target label has the class 3; there are 2, numbered from 0 on"):
        check_data(settings, settings.dataset())


def test_a_file_that_is_not_there_or_is_something_else(tmp_path, compose):
    with pytest.raises(UserError, match=r"data.root=.*none.npz is not there"):
        compose("data=arrays", f"data.root={tmp_path / 'none.npz'}").dataset()
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(UserError, match=r"is no file of np.savez"):
        compose("data=arrays", f"data.root={tmp_path / 'text.npz'}").dataset()
