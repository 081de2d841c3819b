"""Images in class folders: which folder is which split, what is in them, and what is not read."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from ..config.errors import UserError, did_you_mean

SUFFIXES = {
    ".apng", ".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tga",
    ".tif", ".tiff", ".webp",
}  # fmt: skip
PICTURES = SUFFIXES | {".arw", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".jxl", ".nef", ".psd", ".raw", ".svg"}
"""Also those that Pillow cannot read by itself."""

TRAIN, TEST = ("train", "training"), ("test", "testing")
VALIDATION = ("validation", "val", "valid", "dev")

ByClass = dict[str, list[Path]]
"""The images of each class."""


class Found(NamedTuple):
    """The images of a set; where it is not divided, those for training are all of them.

    Attributes:
        left_out: how many files are not read, by their ending or by another reason.
    """

    train: ByClass
    test: ByClass | None
    validation: ByClass | None
    left_out: Counter[str]


def images_in(root: Path) -> Found:
    """Looks for images in `root/SPLIT/CLASS` or `root/CLASS`, however deep in these folders.

    A split for validation is the test split where there is no other.

    Raises:
        UserError: folders are not there, cannot be read, or are not as they should be.
    """
    if not root.is_dir():
        raise UserError(f"data.root: {root} does not exist")
    folders = [path for path in _visible(root) if path.is_dir()]
    train, test, validation = (_named(names, folders) for names in (TRAIN, TEST, VALIDATION))
    left_out: Counter[str] = Counter()
    if train is None:
        for path in folders:
            _check_no_split(path)
        return Found(_training(root, left_out), None, None, left_out)
    if test is None:
        test, validation = validation, None
    images = _training(train, left_out)
    tested, validated = (
        _held_out(folder, train, images, left_out) if folder else None for folder in (test, validation)
    )
    _count_loose(root, left_out)
    left_out.update({f"in {path}": len(_below(path)[0]) for path in folders if path not in (train, test, validation)})
    return Found(images, tested, validated, +left_out)


def in_words(root: Path, left_out: Counter[str]) -> str:
    """What is not read, in one line: `not read in PATH: 7 .heic, 3 .txt (no format that is read), 2 hidden`."""
    most = [(reason, f"{count} {reason}") for reason, count in left_out.most_common()]
    formats = ", ".join(words for reason, words in most if reason.startswith("."))
    others = [words for reason, words in most if not reason.startswith(".")]
    return f"not read in {root}: " + ", ".join([f"{formats} (no format that is read)", *others] if formats else others)


def _training(folder: Path, left_out: Counter[str]) -> ByClass:
    """The images of the split that says what classes there are.

    Raises:
        UserError: there are fewer than two, or one has no images.
    """
    images = _split(folder, left_out)
    for name, paths in images.items():
        if not paths:
            suffixes = " ".join(sorted(SUFFIXES))
            raise UserError(f"data.root: {folder / name} has no images ({suffixes}), so it is no class")
    if len(images) < 2:
        raise UserError(f"data.root: {folder} has {len(images)} class folders with images; at least two are needed")
    return images


def _held_out(folder: Path, train: Path, classes: ByClass, left_out: Counter[str]) -> ByClass:
    """The images of another split, in which a class may be missing.

    Raises:
        UserError: there are none in class folders, or some of an unknown class.
    """
    images = {name: paths for name, paths in _split(folder, left_out).items() if paths}
    for name in images:
        if name not in classes:
            raise UserError(f"{folder / name} is no class of {train}{did_you_mean(name, classes)}")
    if not images:
        raise UserError(
            f"data.root: {folder} has no images in class folders, so nothing says what they show; "
            f"sort them into folders named as in {train}, or move them elsewhere"
        )
    return {name: images.get(name, []) for name in classes}


def _split(folder: Path, left_out: Counter[str]) -> ByClass:
    """The images of each folder inside that holds anything."""
    images = {}
    for path in _visible(folder):
        if path.is_dir() and _visible(path):
            images[path.name], others = _below(path)
            left_out += others
    _count_loose(folder, left_out)
    return images


def _below(folder: Path) -> tuple[list[Path], Counter[str]]:
    """The images in a folder and in all folders inside it, and what else there is; links are followed."""
    images: list[Path] = []
    left_out: Counter[str] = Counter()
    seen = set(folder.resolve().parents)  # a link may lead back
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        here = Path(place)
        if here.resolve() in seen:
            folders.clear()
            continue
        seen.add(here.resolve())
        for path in (here / name for name in names):
            reason = _reason(path.relative_to(folder))
            if reason is None:
                images.append(path)
            elif reason:
                left_out[reason] += 1
    return sorted(images), left_out


def _reason(path: Path) -> str | None:
    """Why a file is not read: none where it is an image, and an empty one for files that are clearly no images."""
    suffix = path.suffix.lower()
    if any(part.startswith(".") for part in path.parts):
        return "hidden" if suffix in PICTURES else ""
    return None if suffix in SUFFIXES else suffix or "without an ending"


def _count_loose(folder: Path, left_out: Counter[str]) -> None:
    """Counts the images that lie beside the folders of classes or splits."""
    if loose := sum(path.is_file() and path.suffix.lower() in PICTURES for path in _visible(folder)):
        left_out["in no class folder"] += loose


def _check_no_split(path: Path) -> None:
    """Refuses a folder that is named like a split and holds folders of images: its name is that of no class."""
    words = set(re.split(r"[^a-z]+", path.name.lower()))
    images = _below(path)[0] if words & {*TRAIN, *TEST, *VALIDATION} else []
    if images and all(image.parent != path for image in images):
        raise UserError(
            f"data.root: {path} has no images but in folders, so it is no class; if it is a split, name it train or "
            f"test, and put what is for training into {path.with_name('train')}"
        )


def _named(names: Sequence[str], folders: Sequence[Path]) -> Path | None:
    """The first folder with one of the names, however they are capitalized."""
    return next((path for name in names for path in folders if path.name.lower() == name), None)


def _visible(folder: Path) -> list[Path]:
    """What a folder holds and does not hide, by name."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        _refuse(error)


def _refuse(error: OSError) -> NoReturn:
    raise UserError(f"data.root: cannot read {error.filename}: {error.strerror}")
