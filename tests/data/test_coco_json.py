"""Images with boxes in JSON, as COCO has them."""

import json

import numpy as np
import pytest
from PIL import Image

from src.config.errors import UserError

CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]


def picture(path, size=(20, 40)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(path.stem)).integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def annotations(path, images, things, categories=CATEGORIES):
    """Images are (number, name), things (image, category, box, more)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"id": number, "file_name": name, "height": 20, "width": 40} for number, name in images]
    made = [
        {"id": number, "image_id": image, "category_id": category, "bbox": box, **dict(*more)}
        for number, (image, category, box, *more) in enumerate(things)
    ]
    path.write_text(json.dumps({"images": listed, "annotations": made, "categories": categories}))


def read(compose, root, *arguments):
    return compose("data=coco_json", f"data.root={root}", "data.image_size=10", *arguments).dataset()


def test_the_layout_of_coco(compose, tmp_path):
    for name in ("train2017/a", "train2017/b", "val2017/a"):
        picture(tmp_path / "images" / f"{name}.jpg")
    annotations(tmp_path / "annotations/instances_train2017.json", [(1, "a.jpg"), (2, "b.jpg")],
                [(1, 3, [4, 2, 8, 10]), (1, 7, [0, 0, 40, 20], {"iscrowd": 1}), (2, 7, [20, 10, 20, 10])])  # fmt: skip
    annotations(tmp_path / "annotations/instances_val2017.json", [(5, "val2017/a.jpg")], [(5, 7, [0, 0, 4, 2])])
    (tmp_path / "annotations/captions_train2017.json").write_text("{}")
    found = read(compose, tmp_path, "data.annotations=instances_*.json")
    assert (found.spec.class_names, found.spec.train, found.spec.test, found.notes) == (("cat", "dog"), 2, 1, ())
    own = found.train.targets
    (first,) = np.flatnonzero(own["box_present"].sum(1) == 2)
    np.testing.assert_allclose(own["box"][first], [[1, 1, 6, 3], [0, 0, 10, 10]])
    assert own["box_label"][first].tolist() == [0, 1]
    assert own["box_difficult"][first].tolist() == [False, True]
    np.testing.assert_allclose(found.test.targets["box"][0, 0], [0, 0, 1, 1])


def test_a_file_in_the_folder_of_each_split(compose, tmp_path):
    for split, count in (("train", 3), ("valid", 2), ("test", 1)):
        names = [(number, f"{number}.png") for number in range(count)]
        for _, name in names:
            picture(tmp_path / split / name)
        annotations(tmp_path / split / "_annotations.coco.json", names, [(n, 3, [1, 1, 5, 5]) for n, _ in names])
    spec = read(compose, tmp_path).spec
    assert (spec.train, spec.validation, spec.test) == (3, 2, 1)


def test_what_is_odd_is_counted(compose, tmp_path):
    for name in "abcd":
        picture(tmp_path / f"{name}.png")
    annotations(
        tmp_path / "all.json",
        [(0, "a.png"), (1, "b.png"), (2, "c.png"), (3, "gone.png")],
        [(0, 3, [0, 0, 5, 5]), (0, 9, [0, 0, 5, 5]), (1, 3, [0, 0, 0, 5]), (9, 3, [0, 0, 5, 5]), (1, 3, "none")],
    )
    found = read(compose, tmp_path)
    assert found.notes == (
        "annotations of an image that is not listed, left out: 1 (all.json: image 9)",
        "annotations without an image or a box, left out: 1 (all.json: annotation 4)",
        "annotations without their image, left out: 1 (gone.png)",
        "boxes without area, left out: 1 (b.png)",
        "images without an annotation, left out: 1 (d.png)",
        "things of the unknown class number 9, left out: 1 (a.png)",
    )
    with pytest.raises(UserError, match=r"data.strict=true: annotations of an image"):
        read(compose, tmp_path, "data.strict=true")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "all.json cannot be read: Expecting property name"),
        ("[]", "all.json has no list of images; COCO's annotations have images, annotations, categories"),
        ('{"images": [], "annotations": []}', "all.json has no list of categories"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', "a category .* has no id or no name"),
        ('{"images": [], "annotations": [], "categories": []}', "no images with annotations for the train split"),
    ],
)
def test_files_that_are_something_else_are_one_line(compose, tmp_path, content, said):
    (tmp_path / "all.json").write_text(content)
    with pytest.raises(UserError, match=said):
        read(compose, tmp_path)


def test_two_files_for_one_split_are_refused(compose, tmp_path):
    for name in ("instances_train.json", "keypoints_train.json"):
        annotations(tmp_path / name, [], [])
    with pytest.raises(UserError, match=r"is for the same split as .*; data.annotations=PATTERN says which"):
        read(compose, tmp_path)
    with pytest.raises(UserError, match=r"has no annotations \(\*\.coco\)"):
        read(compose, tmp_path, "data.annotations=*.coco")
