"""The class and the box of the one object in images in files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, UInt8

from ..data.boxes import BOX
from ..data.folder import read_picture
from ..tasks.localisation import CLASS
from .classes import Ranked, ranked
from .drawing import with_box


@dataclass(frozen=True)
class Localised:
    """What a network says of an image.

    Attributes:
        file: its path.
        image: as the network sees it.
        ranked: its most probable classes.
        box: top, left, bottom and right, in shares of what the network sees.
        place: the same in pixels of the file, as the picture is held.
    """

    heads: ClassVar[tuple[str, ...]] = ("class", "next", "box (top, left, bottom, right)")
    file: str
    image: UInt8[np.ndarray, "h w c"]
    ranked: Ranked
    box: Float[np.ndarray, "4"]
    place: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": self.file, **asdict(self.ranked), "box": list(self.place)}

    def cells(self) -> tuple[str, ...]:
        """What stands under `heads`."""
        return (*self.ranked.cells(), ", ".join(map(str, self.place)))

    def picture(self) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image with its box."""
        return with_box(self.image, self.box, f"{self.ranked.classes[0]} {self.ranked.probabilities[0]:.0%}")


def localised(
    files: Sequence[Path], images: Sequence[UInt8[np.ndarray, "h w c"]], said: Mapping[str, Any], names: Sequence[str]
) -> list[Localised]:
    """What a network says of each of several images."""
    return [
        Localised(str(file), image, ranked(row, names), box, in_file(file, image.shape[:2], box))
        for file, image, row, box in zip(files, images, said[CLASS], said[BOX], strict=True)
    ]


def in_file(file: Path, seen: tuple[int, int], box: Float[np.ndarray, "4"]) -> tuple[int, ...]:
    """A box in pixels of a file, of which the network sees the middle part that has its own proportions.

    Args:
        file: an image.
        seen: height and width that the network takes.
        box: in shares of what it sees.
    """
    picture = read_picture(file).image
    size, shown = np.array([picture.height, picture.width]), np.array(seen)
    part = shown / (shown / size).max()
    return tuple(np.round(np.tile((size - part) / 2, 2) + box * np.tile(part, 2)).astype(int).tolist())
