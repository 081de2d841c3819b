"""Folders of images with boxes in XML: what is read, and what is odd about them."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from src.config.errors import UserError
from tests.conftest import SHARED

CAT, DOG = ("cat", (3, 5, 10, 20)), ("dog", (1, 1, 30, 20))
"""Classes, and xmin, ymin, xmax and ymax as VOC counts: from 1 on, the last pixels inside."""


def write(root, name, things=(CAT,), size=(20, 30), said=None, suffix=".png", **save):
    """An image of some height and width, and its XML beside it."""
    root.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(name)).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / f"{name}{suffix}", **save)
    write_xml(root / f"{name}.xml", f"{name}{suffix}", things, size if said is None else said)


def write_xml(path, image, things, size):
    objects = "".join(
        f"<object><name>{name}</name><difficult>{int(bool(difficult))}</difficult><bndbox><xmin>{box[0]}</xmin>"
        f"<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box, *difficult in things
    )
    sides = f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>{image}</filename>{sides}{objects}</annotation>", "utf-8")


def read(compose, root, *arguments):
    return compose("data=voc_xml", f"data.root={root}", "data.image_size=10", *arguments).dataset()


def boxes(split):
    """Class and box of everything in a split."""
    own = split.targets
    return sorted(
        (int(label), *box.tolist())
        for image in range(len(split))
        for label, box, there in zip(own["box_label"][image], own["box"][image], own["box_present"][image], strict=True)
        if there
    )


def test_boxes_are_stretched_with_their_images(compose, tmp_path):
    write(tmp_path / "train", "a", [CAT, (*DOG, "difficult")])
    write(tmp_path / "test", "b", [DOG], size=(40, 60))
    found = read(compose, tmp_path)
    assert (found.spec.class_names, found.spec.shape, found.notes) == (("cat", "dog"), (10, 10, 3), ())
    np.testing.assert_allclose(found.train.targets["box"][0], [[2, 2 / 3, 10, 10 / 3], [0, 0, 10, 10]], rtol=1e-6)
    assert found.train.targets["box_difficult"].tolist() == [[False, True]]
    np.testing.assert_allclose(found.test.targets["box"][0], [[0, 0, 5, 5], [0] * 4], rtol=1e-6)


def test_the_lists_of_voc_say_what_belongs_where(compose, tmp_path):
    for number in range(7):
        write(tmp_path / "JPEGImages", f"{number}", [CAT, DOG])
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        (tmp_path / "JPEGImages" / f"{number}.xml").rename(tmp_path / "Annotations" / f"{number}.xml")
    lists = tmp_path / "ImageSets/Main"
    lists.mkdir(parents=True)
    for name, stems in (("train", "0 1 2 9"), ("val", "3"), ("test", "4 5")):
        (lists / f"{name}.txt").write_text("\n".join(stems.split()) + "\n")
    found = read(compose, tmp_path)
    assert (found.spec.train, found.spec.validation, found.spec.test) == (3, 1, 2)
    assert found.notes == (
        "annotations in no list of ImageSets/Main, left out: 1 (6.xml)",
        "images that are listed without an annotation: 1 (train.txt: 9)",
        "images without an annotation, left out: 1 (JPEGImages/6.png)",
    )
    (lists / "test.txt").unlink()
    again = read(compose, tmp_path, "data.test_share=0.5")
    assert (again.spec.validation, again.spec.test) == (0, 1)


def odd_folder(root):
    """One of each kind that is odd, and one that is as it should be."""
    write(root, "good", [CAT, DOG])
    write(root, "flat", [CAT, ("cat", (5, 5, 5, 9)), ("dog", (9, 9, 3, 12))])
    write(root, "outside", [("cat", (40, 2, 50, 9)), ("dog", (10, 10, 35, 15))])
    write(root, "cut", [CAT])
    (root / "cut.png").write_bytes((root / "cut.png").read_bytes()[:400])
    write(root, "other_size", [CAT], said=(10, 10))
    write(root, "zero_size", [CAT], said=(0, 0))
    write(root, "sixteen", [CAT])
    Image.fromarray(np.full((20, 30), 40_000, np.uint16)).save(root / "sixteen.png")
    for mode, name, suffix in (("CMYK", "ink", ".tif"), ("P", "palette", ".png")):
        write(root, name, [DOG], suffix=suffix)
        Image.new("RGB", (30, 20), "white").convert(mode).save(root / f"{name}{suffix}")
    write_xml(root / "alone.xml", "alone.png", [CAT], (20, 30))
    (root / "broken.xml").write_text("<annotation><object>")
    (root / "empty.xml").write_text("")
    Image.new("RGB", (8, 8)).save(root / "unseen.jpg")


ODD = (
    "annotations without their image, left out: 1 (alone.xml)",
    "boxes outside of their image, left out: 1 (outside.xml)",
    "boxes that reach out of their image, cut at its edge: 1 (outside.xml)",
    "images in CMYK, converted: 1 (ink.tif)",
    "images in P, converted: 1 (palette.png)",
    "images of another size than their annotation says, left out: 1 (other_size.xml)",
    "images without an annotation, left out: 1 (unseen.jpg)",
    "annotations that cannot be read, left out: 2 (broken.xml (no element found: line 1, column 20), empty.xml "
    "(no element found: line 1, column 0))",
    "boxes without area, left out: 2 (flat.xml)",
)


def test_everything_odd_is_counted_and_named(compose, tmp_path):
    odd_folder(tmp_path)
    found = read(compose, tmp_path)
    unread = next(note for note in found.notes if note.startswith("images that cannot"))
    assert unread.startswith("images that cannot be read, left out: 2 (")
    assert "cut.png is damaged" in unread
    assert "sixteen.png has more than 8 bits a pixel" in unread
    assert sorted({*found.notes} - {unread}) == sorted(ODD)
    assert found.spec.train + found.spec.test == 6
    every = boxes(found.train) + boxes(found.test)
    np.testing.assert_allclose([box for box in every if box[1:3] == (4.5, 3.0)], [(1, 4.5, 3, 7.5, 10)])


def test_strict_refuses_what_is_odd(compose, tmp_path):
    odd_folder(tmp_path)
    with pytest.raises(
        UserError, match=r"data.strict=true: annotations that cannot be read, left out: 2 .*; annotations without their"
    ):
        read(compose, tmp_path, "data.strict=true")
    for path in tmp_path.iterdir():
        if path.stem not in ("good", "zero_size"):
            path.unlink()
    assert read(compose, tmp_path, "data.strict=true").notes == ()


def test_strictness_and_its_absence_are_the_same_run(compose, tmp_path):
    from src.config.settings import defining_values

    write(tmp_path, "a")
    plain, strict = (compose("data=voc_xml", f"data.root={tmp_path}", f"data.strict={each}") for each in (False, True))
    assert defining_values(plain) == defining_values(strict)


def test_unknown_classes_are_named_with_the_nearest(compose, tmp_path):
    write(tmp_path / "train", "a", [CAT, DOG])
    write(tmp_path / "val", "b", [("catt", (3, 5, 10, 20)), DOG])
    assert read(compose, tmp_path).notes == ("things of the unknown class catt (like cat), left out: 1 (val/b.xml)",)
    listed = read(compose, tmp_path, "data.classes=[dog,emu]")
    assert listed.spec.class_names == ("dog", "emu")
    assert boxes(listed.train) == [(0, 0, 0, 10, 10)]


def test_turned_images_have_the_boxes_that_were_drawn(compose, tmp_path):
    """Whether who drew them saw the image upright or as it is stored is told by the size."""
    held, orientation = Image.Exif(), 0x0112
    held[orientation] = 6
    for name, said, box in (("upright", (30, 20), (1, 1, 20, 15)), ("stored", (20, 30), (1, 1, 15, 20))):
        write(tmp_path / "train", name, [("cat", box)], said=said, suffix=".jpg", exif=held)
    write(tmp_path / "test", "c", [CAT])
    found = read(compose, tmp_path)
    assert boxes(found.train) == [(0, 0, 0, 5, 10), (0, 0, 0, 10, 5)]
    assert found.notes == (
        "images that are turned by their EXIF data, with the boxes of what was annotated: 2 (train/stored.xml, "
        "train/upright.xml)",
    )


def test_names_in_any_alphabet_and_any_form_of_unicode(compose, tmp_path):
    composed, apart = (unicodedata.normalize(form, "Käse дом 猫") for form in ("NFC", "NFD"))
    assert composed != apart
    write(tmp_path / "train", apart, [("猫", (3, 5, 10, 20))])
    write_xml(tmp_path / "train" / f"{composed}.xml", f"{composed}.png", [("猫", (3, 5, 10, 20))], (20, 30))
    (tmp_path / "train" / f"{apart}.xml").unlink()
    write(tmp_path / "test", "猫", [("猫", (3, 5, 10, 20))])
    found = read(compose, tmp_path)
    assert (found.spec.class_names, found.notes) == (("猫",), ())


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation><filename>&x;</filename></annotation>',
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><annotation>&y;</annotation>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_not_read(compose, tmp_path, content, encoding):
    write(tmp_path, "a")
    write(tmp_path, "b")
    write(tmp_path, "c")
    (tmp_path / "c.xml").write_text(content, encoding)
    notes = read(compose, tmp_path).notes
    assert (
        "annotations that cannot be read, left out: 1 (c.xml (it declares a document type, which is not read))" in notes
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, r"has no annotations \(.xml\)"),
        (lambda root: write_xml(root / "a.xml", "a.png", [CAT], (20, 30)),
         r"no images with annotations for the train split; annotations without their image, left out: 1"),
        (lambda root: write(root, "a", []), "no image for training has a box, so there are no classes"),
        (lambda root: (root / "ImageSets/Main").mkdir(parents=True) or write(root, "a"), "lists no images for"),
    ],
)  # fmt: skip
def test_folders_that_hold_nothing_are_one_line(compose, tmp_path, make, said):
    make(tmp_path)
    with pytest.raises(UserError, match=said):
        read(compose, tmp_path)
    with pytest.raises(UserError, match="none does not exist"):
        read(compose, tmp_path / "none")


@pytest.mark.skipif(not (SHARED / "data/bccd").exists(), reason="BCCD is not here")
def test_blood_cells(compose):
    found = compose("data=voc_xml", f"data.root={SHARED / 'data/bccd'}", "data.image_size=32").dataset()
    assert (found.spec.train, found.spec.validation, found.spec.test) == (205, 87, 72)
    assert found.spec.class_names == ("Platelets", "RBC", "WBC")
    assert found.notes == (
        "boxes without area, left out: 2 (Annotations/BloodImage_00343.xml, Annotations/BloodImage_00338.xml)",
    )
    present = sum(split.targets["box_present"].sum() for split in (found.train, found.validation, found.test))
    assert present == 4888 - 2
