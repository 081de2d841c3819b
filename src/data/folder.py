"""A folder of class folders of images, as most people keep their own."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import Field

from src.config.errors import UserError, did_you_mean
from src.data.examples import Examples, Split, canonical_order, set_aside
from src.data.resize import check_memory, to_square
from src.data.settings import DataSettings, only

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

    name: Annotated[str, only("folder")]
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
        for name in _class_folders(test_folder):
            if name not in class_names:
                raise UserError(f"{test_folder / name} is no class of {train_folder}{did_you_mean(name, class_names)}")
        return Examples(self._split(train_folder, class_names), self._split(test_folder, class_names), class_names)

    def _split(self, folder: Path, class_names: tuple[str, ...]) -> Split:
        files = [(path, label) for label, name in enumerate(class_names) for path in _files(folder / name)]
        if not files:
            raise UserError(f"data.root={self.root}: no images in the class folders of {folder}")
        check_memory(self.name, len(files) * self.image_size**2 * self.channels)
        images = np.stack([decoded(path, self.image_size, self.channels) for path, _ in files])
        return canonical_order(Split(images, np.array([label for _, label in files])))


def decoded(path: Path, size: int, channels: int) -> UInt8[np.ndarray, "s s c"]:
    """An image as its camera was held, brought to a square; what is transparent is white.

    Raises:
        UserError: it is damaged, or has more than 8 bits.
    """
    try:
        with Image.open(path) as file:
            if file.mode.startswith(("I", "F")):
                raise UserError(f"{path} has more than 8 bits a pixel, and 8 are read; convert such images first")
            picture = opaque(ImageOps.exif_transpose(file)).convert("L" if channels == 1 else "RGB")
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        raise UserError(f"{path} is damaged or not an image") from None
    pixels = np.asarray(picture)
    return to_square(pixels.reshape(*pixels.shape[:2], channels), size)


def opaque(picture: Image.Image) -> Image.Image:
    """A picture on white paper."""
    if not picture.has_transparency_data:
        return picture
    own = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", own.size, "white"), own)


def _visible(folder: Path) -> list[Path]:
    """What a folder holds, unless it is hidden."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _files(folder: Path) -> list[Path]:
    """The images of a class folder, by name."""
    return sorted(path for path in _visible(folder) if path.suffix.lower() in SUFFIXES)


def _class_folders(folder: Path) -> list[str]:
    """The names of the folders inside that hold anything.

    Raises:
        UserError: what one of them holds are no images.
    """
    found = sorted(path for path in _visible(folder) if path.is_dir() and _visible(path))
    for path in found:
        if not _files(path):
            raise UserError(f"data.root: {path} has no images ({' '.join(sorted(SUFFIXES))}), so it is no class")
    return [path.name for path in found]


def _class_names(folder: Path) -> tuple[str, ...]:
    """The names of the class folders.

    Raises:
        UserError: there are fewer than two.
    """
    if not folder.is_dir():
        raise UserError(f"data.root: {folder} does not exist")
    names = _class_folders(folder)
    if len(names) < 2:
        raise UserError(f"data.root: {folder} has {len(names)} class folders with images; at least two are needed")
    return tuple(names)
