"""Class folders of images, as people keep them."""

import os
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from src.config.errors import UserError
from src.data import resize
from src.data.folder import decoded
from src.data.resize import to_square


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
    assert dataset.train.inputs.shape == (16, 16, 16, 3)
    bright = dataset.train.inputs.mean(axis=(1, 2, 3)) > 100
    np.testing.assert_array_equal(bright, dataset.train.targets["label"] == 1)


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
    (tmp_path / "emu" / "0.heic").write_bytes(b"as telephones write it")
    with pytest.raises(UserError, match=r"emu has no images \(.*\.png.*\), so it is no class"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_test_images_beside_training_classes_are_not_left_out(tmp_path, compose):
    folder(tmp_path)
    folder(tmp_path / "test")
    with pytest.raises(UserError, match="test has no images but in folders, so it is no class"):
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


@pytest.mark.parametrize("suffix", [".jfif", ".JPE", ".tif", ".TIFF", ".avif", ".webp", ".gif", ".bmp", ".png"])
def test_images_in_every_format_that_pillow_reads_are_read(tmp_path, compose, suffix):
    folder(tmp_path)
    shown = Image.new("RGB", (20, 20), "white")
    shown.save(tmp_path / "dog" / f"white{suffix}", format="JPEG" if suffix.lower() in (".jfif", ".jpe") else None)
    dataset = compose("data=folder", f"data.root={tmp_path}", "data.image_size=16").dataset()
    assert dataset.spec.train + dataset.spec.test == 21
    every = np.concatenate([dataset.train.inputs, dataset.test.inputs])
    assert (every.min(axis=(1, 2, 3)) > 240).sum() == 1
    assert dataset.notes == ()


def test_images_in_folders_of_a_class_are_read_and_links_do_not_lead_in_circles(tmp_path, compose):
    folder(tmp_path / "images", count=4)
    folder(tmp_path / "images" / "cat", classes=("2023/May", "2024"), count=3)
    folder(tmp_path, classes=("elsewhere",), count=2)
    (tmp_path / "images" / "dog" / "linked").symlink_to(tmp_path / "elsewhere")
    for name, to in (("all", ".."), ("self", "."), ("cats", "2023/..")):
        (tmp_path / "images" / "cat" / name).symlink_to(to)
    dataset = compose("data=folder", f"data.root={tmp_path / 'images'}", "data.image_size=8").dataset()
    labels = np.concatenate([dataset.train.targets["label"], dataset.test.targets["label"]])
    assert np.bincount(labels).tolist() == [10, 6]


@pytest.mark.heavy
def test_what_is_not_read_is_counted_in_one_line(tmp_path, command):
    folder(tmp_path / "train")
    folder(tmp_path / "test", classes=("cat",), count=2)
    folder(tmp_path, classes=("extra",), count=3)
    for name in (
        "train/cat/0.HEIC",
        "train/dog/new/1.heic",
        "test/dog/0.heic",
        "train/cat/notes.txt",
        "train/cat/none",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture that is read")
    for name in ("train/cat/._0.png", "train/cat/.DS_Store", "train/9.png", "9.jpg", "labels.csv"):
        (tmp_path / name).write_bytes(b"no picture")
    arguments = ("data=folder", f"data.root={tmp_path}", "data.image_size=8", "data.batch_size=4", "model=dense")
    said = [
        f"not read in {tmp_path}: 3 .heic, 1 .txt (no format that is read), 3 in {tmp_path / 'extra'}, "
        "2 in no class folder, 1 without an ending, 1 hidden",
        "the test split has no examples of dog",
    ]
    shown = command("src.train", *arguments, "dry_run=true").stdout
    data = shown.partition("# data\n")[2].partition("\n\n")[0].splitlines()
    assert [data[0], sorted(data[1].split(", ")), *data[2:]] == [
        "folder: 20 training, 0 validation and 2 test images of 8x8x3, 2 classes (cat, dog)",
        sorted(said[0].split(", ")),
        said[1],
    ]
    command("src.train", *arguments, "train.duration=1step", "tracking.progress=none")
    (log,) = tmp_path.glob("runs/*/train.log")
    lines = [line for line in log.read_text().splitlines() if not line.startswith("building kernels")]
    assert lines[1:3] == data[1:]


@pytest.mark.parametrize("name", ["validation", "val", "valid", "dev", "Val"])
def test_a_split_for_validation_is_read_as_what_it_is(tmp_path, compose, name):
    folder(tmp_path / "train", count=6)
    folder(tmp_path / name, count=2)
    arguments = ("data=folder", "data.image_size=8")
    alone = compose(*arguments, f"data.root={tmp_path}").dataset().spec
    assert (alone.train, alone.validation, alone.test) == (12, 0, 4)
    another = shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name}_with_test"))
    folder(another / "test", count=3)
    whole = compose(*arguments, f"data.root={another}").dataset().spec
    assert (whole.train, whole.validation, whole.test) == (12, 4, 6)
    with pytest.raises(UserError, match=r"data.validation=3: folder has a validation split of its own, of 4 examples"):
        compose(*arguments, f"data.root={another}", "data.validation=3").dataset()


@pytest.mark.parametrize("names", [("Training", "Testing"), ("TRAIN", "Test")])
def test_splits_may_be_written_otherwise(tmp_path, compose, names):
    folder(tmp_path / names[0], count=6)
    folder(tmp_path / names[1], count=2)
    spec = compose("data=folder", f"data.root={tmp_path}", "data.image_size=8").dataset().spec
    assert (spec.train, spec.test, spec.class_names) == (12, 4, ("cat", "dog"))


def test_splits_under_other_names_are_not_taken_for_classes(tmp_path, compose):
    folder(tmp_path / "seg_train")
    folder(tmp_path / "seg_test")
    with pytest.raises(UserError, match=r"seg_test has no images but in folders, so it is no class; .* name it train"):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_test_images_without_classes_are_named(tmp_path, compose):
    folder(tmp_path / "train")
    folder(tmp_path, classes=("test",))
    with pytest.raises(UserError, match=r"test has no images in class folders, so nothing says what they show; sort "):
        compose("data=folder", f"data.root={tmp_path}").dataset()


def test_a_class_whose_images_are_all_on_one_side_is_named(tmp_path, compose):
    folder(tmp_path, count=30)
    Image.new("RGB", (20, 20), "white").save(tmp_path / "dog" / "0.png")
    (tmp_path / "emu").mkdir()
    shutil.move(tmp_path / "dog" / "0.png", tmp_path / "emu" / "0.png")
    dataset = compose("data=folder", f"data.root={tmp_path}", "data.image_size=8").dataset()
    side = "training" if 2 in dataset.test.targets["label"] else "test"
    assert dataset.notes == (f"the {side} split has no examples of emu",)


def png(path, width, height):
    """Writes a black PNG of any size in little memory."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packed = zlib.compressobj()
    rows = b"".join(packed.compress(bytes(width + 1)) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_an_image_of_too_many_pixels_is_named(tmp_path):
    png(tmp_path / "0.png", 14_000, 13_000)
    with pytest.raises(UserError, match=r"0.png has more than 178,956,970 pixels, the most that are read"):
        decoded(tmp_path / "0.png", 8, 3)


def test_a_large_image_is_read_without_a_word(tmp_path):
    png(tmp_path / "0.png", 10_000, 9_000)
    assert decoded(tmp_path / "0.png", 8, 1).max() == 0


def test_an_image_with_too_much_text_is_named(tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "x" * 2**21, zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png", pnginfo=text)
    with pytest.raises(UserError, match=r"0.png is damaged or not an image that can be read \(Decompressed data too"):
        decoded(tmp_path / "0.png", 8, 3)


def test_a_file_that_ends_early_is_named(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(tmp_path / "0.png")
    whole = (tmp_path / "0.png").read_bytes()
    for kept in range(0, len(whole) - 20, 50):
        (tmp_path / "1.png").write_bytes(whole[:kept])
        with pytest.raises(UserError, match=r"1.png is damaged"):
            decoded(tmp_path / "1.png", 8, 3)
    with pytest.raises(UserError, match=r"none.png cannot be read: No such file or directory"):
        decoded(tmp_path / "none.png", 8, 3)


def test_a_very_oblong_image_takes_little_memory(tmp_path):
    Image.new("RGB", (30_000, 1), (9, 8, 7)).save(tmp_path / "0.png")
    work = (
        "import resource; from pathlib import Path; from src.data.folder import decoded\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        f"before = used(); image = decoded(Path({str(tmp_path / '0.png')!r}), 64, 3)\n"
        "print(used() - before, *image.min(axis=(0, 1)), *image.max(axis=(0, 1)))"
    )
    done = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True, env=os.environ)
    megabytes, *pixels = done.stdout.split()
    assert pixels == ["9", "8", "7"] * 2
    assert float(megabytes) < 100


@pytest.mark.parametrize("shape", [(700, 3, 3), (2, 601, 3), (5, 5, 1), (40, 999, 1)])
def test_the_middle_alone_is_that_of_the_whole(monkeypatch, shape):
    places = np.arange(np.prod(shape)).reshape(shape) / shape[-1]
    image = np.round(128 + 60 * np.sin(places / 3)).astype(np.uint8)
    whole = to_square(image, 8).astype(int)
    monkeypatch.setattr(resize, "LARGEST_SCALED", 0)
    assert np.abs(to_square(image, 8) - whole).max() <= 1
