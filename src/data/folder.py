"""A folder of class folders of images, as most people keep their own."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from pydantic import Field

from src.config.errors import UserError, did_you_mean
from src.data.examples import Examples, Split, canonical_order, set_aside
from src.data.resize import to_square
from src.data.settings import DataSettings

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
TEST_FOLDERS = ("test", "validation", "val")


class Folder(DataSettings):
    """Images in `root/train/CLASS/*` and `root/test/CLASS/*`, or in `root/CLASS/*` alone.

    Attributes:
        root: the folder.
        image_size: side of the square that every image is brought to.
        channels: 3 for colour, 1 for grey.
        test_share: part of the images that is set aside as test split where there is no folder for one.
    """

    root: Annotated[str, Field(min_length=1)]
    image_size: Annotated[int, Field(gt=0)]
    channels: Literal[1, 3]
    test_share: Annotated[float, Field(gt=0, lt=1)]

    def read(self) -> Examples:
        """Decodes every image."""
        root = Path(self.root).expanduser()
        train_folder = root / "train" if (root / "train").is_dir() else root
        test_folder = next((root / name for name in TEST_FOLDERS if (root / name).is_dir()), None)
        class_names = _class_names(train_folder)
        if train_folder == root or test_folder is None:
            return Examples(*set_aside(self._split(train_folder, class_names), self.test_share), class_names)
        for name in _with_images(test_folder):
            if name not in class_names:
                raise UserError(f"{test_folder / name} is no class of {train_folder}{did_you_mean(name, class_names)}")
        return Examples(self._split(train_folder, class_names), self._split(test_folder, class_names), class_names)

    def _split(self, folder: Path, class_names: tuple[str, ...]) -> Split:
        files = [(path, label) for label, name in enumerate(class_names) for path in _files(folder / name)]
        if not files:
            raise UserError(f"data.root={self.root}: no images in the class folders of {folder}")
        images = np.stack([self._decoded(path) for path, _ in files])
        return canonical_order(Split(images, np.array([label for _, label in files])))

    def _decoded(self, path: Path) -> np.ndarray:
        try:
            with Image.open(path) as file:
                if file.mode.startswith(("I", "F")):
                    raise UserError(f"{path} has more than 8 bits a pixel, and 8 are read; convert such images first")
                picture = file.convert("L" if self.channels == 1 else "RGB")
        except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
            raise UserError(f"{path} is damaged or not an image") from None
        pixels = np.asarray(picture)
        return to_square(pixels.reshape(*pixels.shape[:2], self.channels), self.image_size)


def _files(folder: Path) -> list[Path]:
    """The images of a class folder, by name; none of what is no folder."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)


def _with_images(folder: Path) -> list[str]:
    """The folders in a folder that have images, unless they are hidden."""
    found = [path.name for path in folder.iterdir() if _files(path)] if folder.is_dir() else []
    return sorted(name for name in found if not name.startswith("."))


def _class_names(folder: Path) -> tuple[str, ...]:
    """The names of the class folders: those with images, unless they are hidden.

    Raises:
        UserError: there are fewer than two.
    """
    names = _with_images(folder)
    if len(names) < 2:
        what = (
            f"has {len(names)} class folders with images; at least two are needed"
            if folder.is_dir()
            else "does not exist"
        )
        raise UserError(f"data.root: {folder} {what}")
    return tuple(names)
