"""Images with boxes in JSON, one file for each split, as COCO has them and many programs write them."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated as Given
from typing import Any, Literal

from pydantic import Field

from ..config.errors import UserError, one_line
from ..config.settings import not_defining
from .annotations import Annotated, Form, Images, Thing, files_below, read_examples, split_of
from .examples import Examples, with_test
from .faults import Faults
from .settings import DataSettings, only

PARTS = ("images", "annotations", "categories")
"""Of a file of annotations."""


class CocoJson(DataSettings):
    """Images below `root` and a JSON file for each split; what stands in a crowd is marked as difficult.

    A split is that whose name is a word of the file's name or of its folders: `annotations/instances_train2017.json`,
    `valid/_annotations.coco.json`. A split for validation is the test split where there is no other, and a file that
    is alone holds all images.

    Attributes:
        root: the folder.
        annotations: which of the JSON files are read, where there are others: `instances_*.json`.
        image_size: side of the square that every image is stretched to.
        channels: 3 for colour, 1 for grey.
        classes: names of the classes; all categories in the order of their numbers, without.
        test_share: part of the images that is set aside as test split where there is none.
        strict: refuse a folder about which anything is odd.
    """

    name: Given[str, only("coco_json")]
    root: Given[str, Field(min_length=1)]
    annotations: Given[str, Field(min_length=1)]
    image_size: Given[int, Field(gt=0)]
    channels: Literal[1, 3]
    classes: list[str] | None
    test_share: Given[float, Field(gt=0, lt=1)]
    strict: bool = not_defining(False)

    def read(self) -> Examples:
        """Reads every annotation and decodes its image; what is odd is counted in the notes.

        Raises:
            UserError: nothing can be read; something is odd, and `strict` refuses that.
        """
        root, faults = Path(self.root).expanduser(), Faults()
        images, files = Images(root), self._files(root)
        listed = {split: read_json(path) for split, path in files.items()}
        splits = with_test({split: annotated(each, files[split], images, faults) for split, each in listed.items()})
        for path in images.unused():
            faults.add("images without an annotation, left out", str(path.relative_to(root)))
        classes = self.classes or category_names(listed["train"])
        form = Form(self.image_size, self.channels)
        examples = read_examples(self.name, splits, classes, form, self.test_share, faults)
        if self.strict:
            faults.refuse()
        return examples

    def _files(self, root: Path) -> dict[str, Path]:
        """The file of each split.

        Raises:
            UserError: there is none, or there are two for one split.
        """
        files = [path for path in files_below(root) if path.suffix.lower() == ".json" and path.match(self.annotations)]
        if not files:
            raise UserError(f"data.root: {root} has no annotations ({self.annotations})")
        if len(files) == 1:
            return {"train": files[0]}
        found: dict[str, Path] = {}
        for path in files:
            split = split_of(re.findall(r"[^\W\d_]+", str(path.relative_to(root))))
            if split is None or split in found:
                other = f"is for the same split as {found[split]}" if split else "names no split (train, test, …)"
                raise UserError(f"data.root: {path} {other}; data.annotations=PATTERN says which files are meant")
            found[split] = path
        if "train" not in found:
            raise UserError(f"data.root: {root} has no annotations for training; there are {', '.join(found)}")
        return found


def read_json(path: Path) -> dict[str, Any]:
    """The annotations of a file.

    Raises:
        UserError: it is no JSON, or lacks a part.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}") from None
    for part in PARTS:
        if not isinstance(found, dict) or not isinstance(found.get(part), list):
            raise UserError(f"{path} has no list of {part}; COCO's annotations have {', '.join(PARTS)}")
    return found


def category_names(found: dict[str, Any]) -> list[str]:
    """The names of the categories, in the order of their numbers."""
    return list(dict.fromkeys(categories(found).values()))


def categories(found: dict[str, Any]) -> dict[int, str]:
    """The names of the categories by their numbers.

    Raises:
        UserError: one has no number or no name.
    """
    try:
        names = {int(each["id"]): str(each["name"]) for each in found["categories"]}
    except (KeyError, TypeError, ValueError):
        raise UserError("a category of the annotations has no id or no name") from None
    return dict(sorted(names.items()))


def annotated(found: dict[str, Any], file: Path, images: Images, faults: Faults) -> list[Annotated]:
    """What a file says of each of its images."""
    names, things, every = categories(found), defaultdict(list), []
    for number, each in enumerate(found["annotations"]):
        try:
            things[each["image_id"]].append(_thing(each, names))
        except (KeyError, TypeError, ValueError):
            faults.add("annotations without an image or a box, left out", f"{file.name}: annotation {number}")
    for each in found["images"]:
        try:
            title, number, size = str(each["file_name"]), each["id"], _size(each)
        except (KeyError, TypeError, ValueError):
            faults.add("images without a name or a number, left out", f"{file.name}: {each}"[:100])
            continue
        image = images.find([title], file.parent)
        own: Sequence[Thing] = things.pop(number, ())
        if image is None:
            faults.add("annotations without their image, left out", title)
        else:
            every.append(Annotated(title, image, size, tuple(own)))
    for number, own in things.items():
        for _ in own:
            faults.add("annotations of an image that is not listed, left out", f"{file.name}: image {number}")
    return every


def _thing(each: dict[str, Any], names: dict[int, str]) -> Thing:
    """An annotation; its box is left, top, width and height."""
    left, top, width, height = (float(value) for value in each["bbox"])
    number = each["category_id"]
    box = top, left, top + height, left + width
    return Thing(names.get(number, f"number {number}"), box, difficult=bool(each.get("iscrowd", 0)))


def _size(each: dict[str, Any]) -> tuple[int, int] | None:
    """Height and width, if they are said."""
    height, width = int(each.get("height") or 0), int(each.get("width") or 0)
    return (height, width) if height > 0 and width > 0 else None
