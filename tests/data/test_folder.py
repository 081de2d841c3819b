"""Class folders of images, as people keep them."""

import numpy as np
import pytest
from PIL import Image

from src.config.errors import UserError
from src.data.folder import decoded


def folder(root, classes=("cat", "dog"), count=10):
    rng = np.random.default_rng(0)
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 100, (20 + number, 30, 3), dtype=np.uint8) + np.uint8(100 * label)
            Image.fromarray(pixels).save(root / name / f"{number}.png")


def test_a_folder_of_class_folders(tmp_path, compose):
    folder(tmp_path)
    dataset = compose("data=folder", f"data.root={tmp_path}", "data.image_size=16").dataset()
    assert dataset.spec.class_names == ("cat", "dog")
    assert (dataset.spec.train, dataset.spec.test) == (16, 4)
    assert dataset.train.images.shape == (16, 16, 16, 3)
    bright = dataset.train.images.mean(axis=(1, 2, 3)) > 100
    np.testing.assert_array_equal(bright, dataset.train.labels == 1)


def test_hidden_and_empty_folders_are_no_classes(tmp_path, compose):
    folder(tmp_path, classes=("cat", "dog", ".ipynb_checkpoints"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("not a folder")
    assert compose("data=folder", f"data.root={tmp_path}").dataset().spec.class_names == ("cat", "dog")


def test_folders_for_training_and_test_are_kept_apart(tmp_path, compose):
    folder(tmp_path / "train", count=6)
    folder(tmp_path / "validation", count=2)
    spec = compose("data=folder", f"data.root={tmp_path}", "data.channels=1").dataset().spec
    assert (spec.train, spec.test, spec.shape) == (12, 4, (64, 64, 1))


def test_a_damaged_image_is_named(tmp_path, compose):
    folder(tmp_path)
    (tmp_path / "dog" / "3.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"3.png is damaged"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_pixels_of_more_than_8_bits_are_refused(tmp_path, compose):
    folder(tmp_path)
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(tmp_path / "dog" / "3.png")
    with pytest.raises(UserError, match=r"3.png has more than 8 bits a pixel"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_a_picture_stands_as_its_camera_was_held(tmp_path):
    upright, orientation = np.zeros((40, 20, 3), np.uint8), 0x0112
    upright[:, 10:] = 255
    held = Image.Exif()
    held[orientation] = 6  # to be turned by 90 degrees
    Image.fromarray(np.rot90(upright)).save(tmp_path / "0.jpg", exif=held)
    found = decoded(tmp_path / "0.jpg", 20, 3)
    assert found[:, :9].max() < 30
    assert found[:, 11:].min() > 225


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    drawing = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (0, 0, 10, 20))
    drawing.convert(mode).save(tmp_path / "0.png")
    found = decoded(tmp_path / "0.png", 20, 3)
    assert found[:, :10].max() == 0
    assert found[:, 10:].min() == 255


def test_a_class_in_a_format_that_is_not_read_is_named(tmp_path, compose):
    folder(tmp_path)
    (tmp_path / "emu").mkdir()
    (tmp_path / "emu" / "0.tif").write_bytes(b"tagged")
    with pytest.raises(UserError, match=r"emu has no images \(.*\.png.*\), so it is no class"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_test_images_beside_training_classes_are_not_left_out(tmp_path, compose):
    folder(tmp_path)
    folder(tmp_path / "test")
    with pytest.raises(UserError, match="test has no images"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_hidden_files_are_no_images(tmp_path, compose):
    folder(tmp_path)
    (tmp_path / "cat" / "._0.png").write_bytes(b"what an operating system leaves")
    assert compose("data=folder", f"data.root={tmp_path}").dataset().spec.train == 16


def test_images_that_do_not_fit_in_memory_are_refused(tmp_path, compose):
    folder(tmp_path)
    with pytest.raises(UserError, match="does not fit in memory"):
        compose("data=folder", f"data.root={tmp_path}", "data.image_size=40000").dataset()


def test_a_test_class_that_is_not_trained_is_named(tmp_path, compose):
    folder(tmp_path / "train")
    folder(tmp_path / "test", classes=("Cat", "dog"))
    with pytest.raises(UserError, match=r"Cat is no class of .*train; did you mean 'cat'"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_a_folder_without_classes_is_refused(tmp_path, compose):
    with pytest.raises(UserError, match="at least two"):
        compose("data=folder", f"data.root={tmp_path}").dataset()
    with pytest.raises(UserError, match="does not exist"):
        compose("data=folder", f"data.root={tmp_path / 'none'}").dataset()
