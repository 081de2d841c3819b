"""A folder of class folders of images, as most people keep their own."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from warnings import catch_warnings

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from pydantic import Field

from ..config.errors import UserError, one_line
from .class_folders import ByClass, images_in, in_words
from .examples import Examples, Split, canonical_order, labelled, set_aside
from .resize import check_memory, squared
from .settings import DataSettings, only

MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Pillow refuses larger images, which would take a gigabyte each."""


class Folder(DataSettings):
    """Images in `root/train/CLASS` and `root/test/CLASS`, or in `root/CLASS` alone, however deep in these folders.

    Images in `root/validation/CLASS` (or `val`, `valid`, `dev`) are the validation split, or the test split where there
    is no other.

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
        """Decodes every image; what is not read is counted in the notes.

        Raises:
            UserError: an image is damaged, or the folders are not as they should be.
        """
        root = Path(self.root).expanduser()
        found = images_in(root)
        splits = [split for split in (found.train, found.test, found.validation) if split]
        count = sum(len(paths) for split in splits for paths in split.values())
        check_memory(self.name, count * self.image_size**2 * self.channels)
        every = self._decoded(found.train)
        train, test = (every, self._decoded(found.test)) if found.test else set_aside(every, self.test_share)
        validation = self._decoded(found.validation) if found.validation else None
        notes = (in_words(root, found.left_out),) if found.left_out else ()
        return Examples(train, test, tuple(found.train), validation, notes)

    def _decoded(self, images: ByClass) -> Split:
        files = [(path, label) for label, paths in enumerate(images.values()) for path in paths]
        pixels = np.stack([decoded(path, self.image_size, self.channels) for path, _ in files])
        return canonical_order(labelled(pixels, np.array([label for _, label in files])))


def decoded(path: Path, size: int, channels: int) -> UInt8[np.ndarray, "s s c"]:
    """An image as its camera was held, brought to a square; what is transparent is white.

    Raises:
        UserError: it is damaged, too large, or has more than 8 bits.
    """
    return np.asarray(squared(_in_channels(path, channels), size)).reshape(size, size, channels)


def fitted(path: Path, height: int, width: int, channels: int) -> UInt8[np.ndarray, "h w c"]:
    """The same for a rectangle: scaled until it covers it, and the middle taken.

    Raises:
        UserError: it is damaged, too large, or has more than 8 bits.
    """
    picture = ImageOps.fit(_in_channels(path, channels), (width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture).reshape(height, width, channels)


def photograph(path: Path, channels: int) -> UInt8[np.ndarray, "h w c"]:
    """The same at its own size.

    Raises:
        UserError: it is damaged, too large, or has more than 8 bits.
    """
    found = np.asarray(_in_channels(path, channels))
    return found.reshape(*found.shape[:2], channels)


def _in_channels(path: Path, channels: int) -> Image.Image:
    return read_picture(path).image.convert("L" if channels == 1 else "RGB")


class Picture(NamedTuple):
    """An image of a file.

    Attributes:
        image: what it shows; what is transparent is white.
        mode: how its colours are stored, in Pillow's words.
        stored: height and width as it is stored, which a turn by its EXIF data may exchange.
        turned: whether its EXIF data turn or mirror it.
    """

    image: Image.Image
    mode: str
    stored: tuple[int, int]
    turned: bool


def read_picture(path: Path, *, upright: bool = True) -> Picture:
    """Decodes an image.

    Args:
        path: its file.
        upright: whether it is turned as its EXIF data say, so that it stands as its camera was held.

    Raises:
        UserError: it is damaged, too large, or has more than 8 bits.
    """
    try:
        with catch_warnings(action="ignore", category=Image.DecompressionBombWarning), Image.open(path) as file:
            if file.mode.startswith(("I", "F")):
                raise UserError(f"{path} has more than 8 bits a pixel, and 8 are read; convert such images first")
            turned = file.getexif().get(ExifTags.Base.Orientation, 1) not in (0, 1)
            image = opaque(ImageOps.exif_transpose(file) if upright else file.copy())
            return Picture(image, file.mode, (file.height, file.width), turned)
    except Image.DecompressionBombError:
        raise UserError(f"{path} has more than {MOST_PIXELS:,} pixels, the most that are read") from None
    except UserError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise UserError(f"{path} {_fault(error)}") from None


def _fault(error: Exception) -> str:
    """What is wrong with a file that cannot be decoded."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, UnidentifiedImageError):
        return "is damaged or not an image"
    return f"is damaged or not an image that can be read ({one_line(error)})"


def opaque(picture: Image.Image) -> Image.Image:
    """A picture on white paper."""
    if not picture.has_transparency_data:
        return picture
    own = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", own.size, "white"), own)
