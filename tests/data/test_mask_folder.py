"""Folders of images and masks as people keep them: what is odd is counted and named, and never silently wrong."""

import numpy as np
import pytest
from PIL import Image

from src.config.errors import UserError
from tests.conftest import SHARED, forget_data

CLASSES = "data.classes=[road,car,tree]"


def saved(path, pixels, mode=None, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **how)


def pair(number, size=(20, 30)):
    """An image whose red is the class of its pixels, and its mask."""
    mask = np.random.default_rng(number).integers(0, 3, (2, 3)).repeat(size[0] // 2, 0).repeat(size[1] // 3, 1)
    image = np.full((*size, 3), 30, np.uint8)
    image[..., 0] = 100 * mask
    return image, mask.astype(np.uint8)


def folder(root, images="images", masks="masks", count=10):
    for number in range(count):
        image, mask = pair(number)
        saved(root / images / f"{number}.png", image)
        saved(root / masks / f"{number}.png", mask)


@pytest.fixture
def read(tmp_path, compose):
    def dataset(*arguments):
        forget_data()
        return compose(
            "data=mask_folder", f"data.root={tmp_path}", CLASSES, "data.image_size=[10,15]", "task=segmentation",
            "model=full_resolution", *arguments,
        ).dataset()  # fmt: skip

    return dataset


def agree(split):
    """Whether masks say what is in their images."""
    return (split.inputs[..., 0].astype(float) / 100).round().astype(int) == split.targets["mask"]


def test_images_and_masks_of_one_name_belong_together(tmp_path, read):
    folder(tmp_path)
    found = read()
    assert (found.spec.class_names, found.spec.shape) == (("road", "car", "tree"), (10, 15, 3))
    assert (found.spec.train, found.spec.test, found.notes) == (8, 2, ())
    for split in (found.train, found.test):
        assert agree(split).mean() > 0.9  # but at edges, which are blurred
        assert set(np.unique(split.targets["mask"])) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("images", "masks", "sizes"),
    [
        (("train", "val", "test"), ("trainannot", "valannot", "testannot"), (4, 3, 2)),
        (("Train", "test"), ("train_masks", "test_masks"), (4, 0, 3)),
        (("images/train", "images/dev"), ("masks/train", "masks/dev"), (4, 0, 3)),
        (("JPEGImages",), ("SegmentationClass",), (3, 0, 1)),
    ],
)
def test_splits_are_folders(tmp_path, read, images, masks, sizes):
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        folder(tmp_path, image, mask, count=4 - number)
    spec = read().spec
    assert (spec.train, spec.validation, spec.test) == sizes


def odd(root):
    """Ten good pairs, and one of everything that goes wrong."""
    folder(root)
    image, mask = pair(0)
    for name in ("cut", "deep", "cmyk", "palette", "turned", "size", "colours", "values", "żółw", "mask"):
        saved(root / f"masks/{name}.png", mask)
        saved(root / f"images/{name}.png", image)
    whole = (root / "images/cut.png").read_bytes()
    (root / "images/cut.png").write_bytes(whole[: len(whole) // 2])
    saved(root / "images/deep.png", np.full((20, 30), 40_000, np.uint16))
    (root / "images/cmyk.png").unlink()
    saved(root / "images/cmyk.jpg", image, "CMYK", quality=100)
    saved(root / "images/palette.png", image, "P")
    (root / "images/turned.png").unlink()
    held = Image.Exif()
    held[0x0112] = 6  # to be turned by 90 degrees
    saved(root / "images/turned.jpg", np.rot90(image).copy(), exif=held)
    saved(root / "masks/size.png", mask[:10])
    saved(root / "masks/colours.png", image)
    saved(root / "masks/values.png", np.where(mask == 0, np.uint8(7), mask))
    (root / "masks/mask.png").write_bytes(b"no picture")
    saved(root / "images/alone.png", image)
    saved(root / "masks/lonely.png", mask)
    (root / "images/notes.txt").write_text("no image")


REPORT = [
    "images in CMYK, converted: 1 (images/cmyk.jpg)",
    "images in P, converted: 1 (images/palette.png)",
    "images that are turned by their EXIF data, and their masks taken to be turned already: 1 (images/turned.jpg)",
    "images without a mask, left out: 1 (images/alone.png)",
    "masks of another size than their image, left out: 1 (masks/size.png)",
    "masks with other values than 3 classes and data.void, left out: 1 (masks/values.png (7))",
    "masks without an image, left out: 1 (masks/lonely.png)",
]


def test_what_is_odd_is_counted_and_named(tmp_path, read):
    odd(tmp_path)
    found = read()
    assert found.spec.train + found.spec.test == 10 + 4  # cmyk, palette, turned, żółw
    *others, unread = sorted(found.notes, key=lambda note: "cannot be read" in note)
    assert others == REPORT
    assert unread.startswith("images or masks that cannot be read, left out: 4 (")
    for words in ("cut.png is damaged", "deep.png has more than 8 bits", "colours.png is in RGB, where numbers of"):
        assert words in unread
    for split in (found.train, found.test):
        assert agree(split).mean() > 0.85


def test_what_is_odd_can_be_refused(tmp_path, read):
    folder(tmp_path)
    assert read("data.strict=true").spec.train == 8
    saved(tmp_path / "images/alone.png", pair(0)[0])
    with pytest.raises(UserError, match=r"^data.strict=true: images without a mask, left out: 1 \(images/alone.png\)$"):
        read("data.strict=true")


def test_strictness_is_no_part_of_a_name(tmp_path, compose):
    from src.runs.identity import run_hash

    arguments = ("data=mask_folder", f"data.root={tmp_path}", CLASSES, "task=segmentation", "model=full_resolution")
    assert run_hash(compose(*arguments)) == run_hash(compose(*arguments, "data.strict=true"))


@pytest.mark.heavy
def test_pixels_of_no_class_have_to_be_named_twice(tmp_path, read, compose):
    """Once for the data, where other values are faults, and once for the task, which is told of them."""
    from src.training.check import check_data

    folder(tmp_path)
    image, mask = pair(1)
    mask[:2] = 255
    saved(tmp_path / "images/void.png", image)
    saved(tmp_path / "masks/void.png", mask)
    assert read().notes == ("masks with other values than 3 classes and data.void, left out: 1 (masks/void.png (255))",)
    found = read("data.void=255")
    assert found.notes == ()
    arguments = (
        "data=mask_folder", f"data.root={tmp_path}", CLASSES, "data.image_size=[10,15]", "data.void=255",
        "task=segmentation", "model=full_resolution", "data.batch_size=4",
    )  # fmt: skip
    with pytest.raises(UserError, match="the target mask has the class 255; there are 3"):
        check_data(compose(*arguments), found)
    check_data(compose(*arguments, "task.ignored=255"), found)


def test_masks_with_a_palette_hold_the_numbers_of_classes(tmp_path, read):
    folder(tmp_path)
    for path in (tmp_path / "masks").iterdir():
        picture = Image.open(path)
        picture.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
        picture.save(path)
    found = read()
    assert found.notes == ()
    assert agree(found.train).mean() > 0.9


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ((), r"has neither folders images and masks, nor train and trainannot; it has no folders"),
        (("pictures/0.png",), "it has pictures"),
        (("images/0.png", "masks/1.png"), "has no images with masks for the train split: images without a mask"),
        (("train/0.png",), "it has train"),
    ],
)
def test_folders_that_are_not_as_they_should_be_are_one_line(tmp_path, read, made, said):
    for name in made:
        saved(tmp_path / name, pair(0)[1])
    with pytest.raises(UserError, match=said) as error:
        read()
    assert "\n" not in str(error.value)


def test_a_class_has_one_name(tmp_path, compose):
    with pytest.raises(UserError, match="has road twice"):
        compose("data=mask_folder", f"data.root={tmp_path}", "data.classes=[road,car,road]")


@pytest.mark.skipif(not (SHARED / "data/camvid").exists(), reason="CamVid is not here")
@pytest.mark.heavy
def test_camvid_is_read_as_it_is(compose):
    root = SHARED / "data/camvid"
    found = compose("+experiment=segmentation_camvid", f"data.root={root}", "data.image_size=[45,60]").dataset()
    assert (found.spec.train, found.spec.validation, found.spec.test, found.notes) == (367, 101, 233, ())
    counts = np.bincount(found.train.targets["mask"].ravel(), minlength=12)
    assert len(counts) == 12
    assert counts[:2].sum() + counts[3] > 0.6 * counts.sum()  # sky, buildings and roads
    assert 0 < counts[11] < 0.1 * counts.sum()
