"""Which image belongs to which mask, in the folders in which people keep them.

`root/train` and `root/trainannot`, as CamVid has them, and likewise for `val` and `test`; or `root/images` and
`root/masks`, in which there may be `train`, `val` and `test` again. The names of both files are equal up to their
endings. A split for validation is the test split where there is no other.
"""

import unicodedata
from pathlib import Path
from typing import NamedTuple

from ..config.errors import UserError
from .annotations import files_below
from .class_folders import SUFFIXES, TEST, TRAIN, VALIDATION
from .examples import with_test
from .faults import Faults

SPLITS = {"train": TRAIN, "test": TEST, "validation": VALIDATION}
IMAGES = ("images", "image", "jpegimages", "img")
MASKS = ("masks", "mask", "annotations", "labels", "segmentationclass", "annot")
BESIDE = ("annot", "_annot", "masks", "_masks", "mask", "_mask", "labels", "_labels")
"""What is added to the name of a split for the folder of its masks."""


class Pair(NamedTuple):
    """The files of an image and of its mask."""

    image: Path
    mask: Path


def pairs_in(root: Path, faults: Faults) -> dict[str, list[Pair]]:
    """The pairs of each split, by the names `train`, `test` and `validation`; without `test` they are all.

    Raises:
        UserError: the folders are not there, or not as they should be.
    """
    if not root.is_dir():
        raise UserError(f"data.root: {root} does not exist")
    folders = _folders(root)
    images, masks = _named(folders, IMAGES), _named(folders, MASKS)
    places = _inside(images, masks) if images and masks else _beside(folders)
    if "train" not in places:
        raise UserError(
            f"data.root: {root} has neither folders images and masks, nor train and trainannot; it has "
            f"{', '.join(folders) or 'no folders'}"
        )
    return {title: _pairs(root, *folders, faults) for title, folders in with_test(places).items()}


def _inside(images: Path, masks: Path) -> dict[str, tuple[Path, Path]]:
    """The folders of each split inside those of images and masks, or these themselves."""
    own, other = _folders(images), _folders(masks)
    found = {title: (_named(own, names), _named(other, names)) for title, names in SPLITS.items()}
    whole = {title: (image, mask) for title, (image, mask) in found.items() if image and mask}
    return whole if "train" in whole else {"train": (images, masks)}


def _beside(folders: dict[str, Path]) -> dict[str, tuple[Path, Path]]:
    """The folders of each split, with the masks in one that is named after it."""
    found = {}
    for title, names in SPLITS.items():
        for name in names:
            masks = _named(folders, [f"{name}{ending}" for ending in BESIDE])
            if name in folders and masks:
                found[title] = folders[name], masks
                break
    return found


def _pairs(root: Path, images: Path, masks: Path, faults: Faults) -> list[Pair]:
    """Images and masks of the same name; those without the other are counted."""
    own, others = (
        {_stem(path, folder): path for path in files_below(folder) if path.suffix.lower() in SUFFIXES}
        for folder in (images, masks)
    )
    for kind, lonely in (("images without a mask", {*own} - {*others}), ("masks without an image", {*others} - {*own})):
        for stem in sorted(lonely):
            faults.add(f"{kind}, left out", str((own | others)[stem].relative_to(root)))
    return [Pair(own[stem], others[stem]) for stem in sorted({*own} & {*others})]


def _stem(path: Path, folder: Path) -> str:
    """A file's place in its folder without its ending, however its letters are written in Unicode."""
    return unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())


def _folders(root: Path) -> dict[str, Path]:
    """Folders in a folder that are not hidden, by their names in small letters."""
    return {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != "."}


def _named(folders: dict[str, Path], names: list[str] | tuple[str, ...]) -> Path | None:
    """The first folder with one of the names."""
    return next((folders[name] for name in names if name in folders), None)
