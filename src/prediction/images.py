"""The classes of images in files."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..config.errors import UserError
from ..data.class_folders import SUFFIXES
from ..data.folder import decoded, fitted
from ..markdown import markdown
from ..models.base import ImageShape
from ..tracking.grid import grid
from ..training.load_run import LoadedRun
from .classes import Ranked, ranked
from .files import files_of, read_each


@dataclass(frozen=True)
class ImagePrediction:
    """What a network says of an image.

    Attributes:
        file: its path.
        image: as the network sees it.
        ranked: its most probable classes.
    """

    file: str
    image: UInt8[np.ndarray, "h w c"]
    ranked: Ranked

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": self.file, **asdict(self.ranked)}


def predict_images(loaded: LoadedRun, inputs: Sequence[str]) -> list[ImagePrediction]:
    """Decodes files to the size that the network takes, and names their classes.

    Raises:
        UserError: the network takes no images but rows, a file is not there, or none can be read.
    """
    files, images = decoded_images(loaded, inputs)
    names = loaded.engine.spec.class_names
    return [
        ImagePrediction(str(file), image, ranked(row, names))
        for file, image, row in zip(files, images, loaded.predict(np.stack(images)), strict=True)
    ]


def decoded_images(
    loaded: LoadedRun, inputs: Sequence[str], setting: str = "input"
) -> tuple[list[Path], list[UInt8[np.ndarray, "h w c"]]]:
    """Images in files at the size that the network takes, with their files.

    Args:
        loaded: a run on images.
        inputs: files, folders and patterns.
        setting: where these stand, for the message.

    Raises:
        UserError: the network takes no images but rows, a file is not there, or none can be read.
    """
    return images_of_shape(loaded.engine.spec.shape, inputs, str(loaded.directory.path), setting)


def images_of_shape(
    shape: ImageShape, inputs: Sequence[str], network: str, setting: str = "input"
) -> tuple[list[Path], list[UInt8[np.ndarray, "h w c"]]]:
    """Images in files in the shape that a network takes; see `decoded_images`.

    Raises:
        UserError: the shape is that of rows, a file is not there, or none can be read.
    """
    height, width, channels = shape
    if 1 in (height, width):
        raise UserError(f"{network} takes inputs of {height}x{width}, which no image file has")
    meant = list(files_of(inputs, SUFFIXES, "images", setting))
    if height == width:
        return read_each(meant, partial(decoded, size=height, channels=channels))
    return read_each(meant, partial(fitted, height=height, width=width, channels=channels))


def image_table(found: Sequence[ImagePrediction]) -> str:
    """A row for each file: its class with the probability, then the next ones."""
    return markdown(["file", "class", "next"], [[each.file, *each.ranked.cells()] for each in found])


def check_new_folder(folder: str | None) -> None:
    """Refuses a folder that holds something: nothing that is there is replaced.

    Raises:
        UserError: naming what it holds.
    """
    if folder is not None and (there := next(iter(Path(folder).glob("*")), None)):
        raise UserError(f"pictures={folder} holds {there.name}; name another folder")


def draw(found: Sequence[ImagePrediction], folder: Path) -> None:
    """Writes every image as the network sees it, with its class below.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(found):
            title = f"{each.ranked.classes[0]} {each.ranked.probabilities[0]:.0%}"
            picture = Image.fromarray(grid(each.image[None], [title]))
            picture.save(folder / f"{number:04}-{Path(each.file).stem}.png")
    except OSError as error:
        raise UserError(f"pictures={folder} cannot be written: {error.strerror}") from None
