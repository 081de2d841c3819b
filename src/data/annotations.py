"""Images with boxes as people keep them: brought to one size, with what is odd about them counted and named."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..config.errors import UserError, nearest
from .boxes import BOX, BOX_LABEL, BOX_PRESENT
from .class_folders import SUFFIXES, TEST, TRAIN, VALIDATION
from .examples import Examples, Split, canonical_order, divided
from .faults import Faults
from .folder import Picture, read_picture
from .resize import check_memory

T = TypeVar("T")

BOX_DIFFICULT = "box_difficult"
"""A target beside those of boxes: which of them count neither as found nor as missed, and are not learnt."""

PLAIN = ("RGB", "L", "1")
"""Modes of images that are read as they are."""


class Thing(NamedTuple):
    """Something in an image.

    Attributes:
        name: of its class.
        box: top, left, bottom and right in pixels of its image; the last two are where the outside begins.
        difficult: whether it counts neither as found nor as missed.
    """

    name: str
    box: tuple[float, float, float, float]
    difficult: bool = False


class Annotated(NamedTuple):
    """What is said of an image.

    Attributes:
        place: where it is said, for messages.
        image: its file.
        size: height and width that are said; None if none are.
        things: in it.
    """

    place: str
    image: Path
    size: tuple[int, int] | None
    things: tuple[Thing, ...]


class Scene(NamedTuple):
    """An image at the size that a network takes, and the boxes in it as class, box in its pixels, and difficult."""

    pixels: UInt8[np.ndarray, "s s c"]
    boxes: list[tuple[int, tuple[float, ...], bool]]


class Form(NamedTuple):
    """What is made of every image: a square of so many pixels, which the whole image is stretched to, as in YOLO."""

    image_size: int
    channels: int


Splits = Mapping[str, Sequence[Annotated]]
"""What is said of the images of the splits, by the names `train`, `test` and `validation`; without `test` all are."""


def read_examples(
    name: str, splits: Splits, classes: Sequence[str] | None, form: Form, test_share: float, faults: Faults
) -> Examples:
    """Decodes every image.

    Args:
        name: of the data set.
        splits: what is said of the images.
        classes: their names; those of the training split, if None.
        form: of the images.
        test_share: part that is set aside for the test where there is no split for it.
        faults: gets what is odd.

    Raises:
        UserError: there are no images or no classes, or they do not fit in memory.
    """
    _check_some(name, splits, faults)
    own = sorted({thing.name for each in splits["train"] for thing in each.things}) if classes is None else classes
    if not own:
        raise UserError(f"data.name={name}: no image for training has a box, so there are no classes")
    check_memory(name, sum(map(len, splits.values())) * form.image_size**2 * form.channels)
    scenes = {title: read_scenes(each, own, form, faults) for title, each in splits.items()}
    _check_some(name, scenes, faults)
    most = max(len(scene.boxes) for each in scenes.values() for scene in each)
    made = {title: canonical_order(as_split(each, max(most, 1))) for title, each in scenes.items()}
    return divided(made, own, test_share, faults.notes())


def _check_some(name: str, splits: Mapping[str, Sequence[Annotated] | Sequence[Scene]], faults: Faults) -> None:
    """Refuses splits of which nothing is left.

    Raises:
        UserError: naming one, and what was odd.
    """
    for title in ("train", *splits):
        if not splits.get(title):
            why = "".join(f"; {note}" for note in faults.notes())
            raise UserError(f"data.name={name} has no images with annotations for the {title} split{why}")


def read_scenes(every: Iterable[Annotated], classes: Sequence[str], form: Form, faults: Faults) -> list[Scene]:
    """The images that can be read, with their boxes."""
    numbers = {name: number for number, name in enumerate(classes)}
    scenes = []
    for each in every:
        picture = _picture(each, faults)
        if picture is None:
            continue
        size = picture.image.height, picture.image.width
        boxes = [
            (numbers[thing.name], box, thing.difficult)
            for thing in each.things
            if (box := _inside(thing, size, each.place, faults)) and _known(thing.name, numbers, each.place, faults)
        ]
        scale = form.image_size / np.array([*size, *size])
        scaled = [(label, tuple((scale * box).tolist()), difficult) for label, box, difficult in boxes]
        scenes.append(Scene(stretched(picture.image, form), scaled))
    return scenes


def _picture(each: Annotated, faults: Faults) -> Picture | None:
    """An image as it was when its boxes were drawn; None if it cannot be read, or is another one."""
    try:
        picture = read_picture(each.image)
        if picture.turned and each.size == picture.stored != (picture.image.height, picture.image.width):
            picture = read_picture(each.image, upright=False)  # whoever drew the boxes saw it as it is stored
    except UserError as error:
        faults.add("images that cannot be read, left out", str(error))
        return None
    if each.size not in (None, (picture.image.height, picture.image.width)):
        faults.add("images of another size than their annotation says, left out", each.place)
        return None
    if picture.turned:
        faults.add("images that are turned by their EXIF data, with the boxes of what was annotated", each.place)
    if picture.mode not in PLAIN:
        faults.add(f"images in {picture.mode}, converted", str(each.image.name))
    return picture


def _inside(
    thing: Thing, size: tuple[int, int], place: str, faults: Faults
) -> tuple[float, float, float, float] | None:
    """The part of a box that is in its image; None if nothing is."""
    (top, left, bottom, right), (height, width) = thing.box, map(float, size)
    if not (np.isfinite(thing.box).all() and bottom > top and right > left):
        faults.add("boxes without area, left out", place)
        return None
    cut = max(top, 0.0), max(left, 0.0), min(bottom, height), min(right, width)
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        faults.add("boxes outside of their image, left out", place)
        return None
    if cut != thing.box:
        faults.add("boxes that reach out of their image, cut at its edge", place)
    return cut


def _known(name: str, numbers: Mapping[str, int], place: str, faults: Faults) -> bool:
    """Whether there is a class of that name."""
    if name not in numbers:
        near = nearest(name, numbers)
        faults.add(f"things of the unknown class {name}{f' (like {near})' if near else ''}, left out", place)
    return name in numbers


def stretched(picture: Image.Image, form: Form) -> UInt8[np.ndarray, "s s c"]:
    """The whole picture as a square, whatever its sides were."""
    size, channels = form
    plain = picture.convert("L" if channels == 1 else "RGB").resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(plain).reshape(size, size, channels)


def as_split(scenes: Sequence[Scene], most: int) -> Split:
    """Images with the targets of a detection, padded to so many boxes."""
    shape = len(scenes), most
    targets: dict[str, np.ndarray] = {
        BOX: np.zeros((*shape, 4), np.float32),
        BOX_LABEL: np.zeros(shape, np.int32),
        BOX_PRESENT: np.zeros(shape, bool),
        BOX_DIFFICULT: np.zeros(shape, bool),
    }
    for image, scene in enumerate(scenes):
        for number, (label, box, difficult) in enumerate(scene.boxes):
            targets[BOX][image, number], targets[BOX_LABEL][image, number] = box, label
            targets[BOX_PRESENT][image, number], targets[BOX_DIFFICULT][image, number] = True, difficult
    return Split(np.stack([scene.pixels for scene in scenes]), targets)


class Images:
    """The images of a folder, found by their names however these are written in Unicode."""

    def __init__(self, root: Path) -> None:
        self._by_name: defaultdict[str, list[Path]] = defaultdict(list)
        for path in files_below(root):
            if path.suffix.lower() in SUFFIXES:
                for name in {path.name, path.stem}:
                    self._by_name[_written(name)].append(path)
        self._unused = {path for paths in self._by_name.values() for path in paths}

    def find(self, names: Iterable[str], near: Path) -> Path | None:
        """The image of the first of some names that there is; of several, one in the folder that is nearest."""
        for name in names:
            parts = [_written(part) for part in Path(name.replace("\\", "/")).parts]
            found = self._by_name.get(parts[-1], []) if parts else []
            if found:
                best = max(found, key=lambda path: (_alike(path, parts), _shared(path, near)))
                self._unused.discard(best)
                return best
        return None

    def unused(self) -> list[Path]:
        """Those that were not asked for."""
        return sorted(self._unused)


def _written(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _alike(path: Path, parts: Sequence[str]) -> int:
    """How many of the last parts of a path are those of a name."""
    pairs = zip(reversed(path.parts), reversed(parts), strict=False)
    return sum(_written(own) == part for own, part in pairs)


def _shared(path: Path, near: Path) -> int:
    """How many folders two places have in common."""
    return len(os.path.commonpath([path, near]))


def files_below(root: Path) -> list[Path]:
    """The files of a folder that are not hidden.

    Raises:
        UserError: there is no such folder.
    """
    if not root.is_dir():
        raise UserError(f"data.root: {root} does not exist")
    every = (path for path in root.rglob("*") if path.is_file())
    return sorted(path for path in every if not any(part.startswith(".") for part in path.relative_to(root).parts))


def split_of(words: Iterable[str]) -> str | None:
    """The split that one of some words names."""
    names = {"train": TRAIN, "test": TEST, "validation": VALIDATION}
    lower = {word.lower() for word in words}
    return next((split for split, own in names.items() if lower & {*own}), None)
