"""The class of every pixel of images in files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, UInt8

from .drawing import with_classes


@dataclass(frozen=True)
class Segmented:
    """What a network says of an image.

    Attributes:
        file: its path.
        image: as the network sees it.
        mask: the most probable class of every pixel.
        names: of the classes.
    """

    heads: ClassVar[tuple[str, ...]] = ("classes of pixels",)
    file: str
    image: UInt8[np.ndarray, "h w c"]
    mask: Int[np.ndarray, "h w"]
    names: Sequence[str]

    @property
    def shares(self) -> dict[str, float]:
        """The part of the pixels that are of each class, the largest first; classes without pixels are left out."""
        count = np.bincount(self.mask.ravel(), minlength=len(self.names))
        return {self.names[label]: float(count[label] / count.sum()) for label in np.argsort(-count) if count[label]}

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": self.file, "shares": self.shares}

    def cells(self) -> tuple[str, ...]:
        """What stands under `heads`."""
        return (", ".join(f"{name} {share:.1%}" for name, share in self.shares.items()),)

    def picture(self) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image in the colours of the classes."""
        found = self.shares
        texts = [f"{name} {found[name]:.1%}" if name in found else "" for name in self.names]
        return with_classes(self.image, self.mask, self.names, texts)


def segmented(
    files: Sequence[Path],
    images: Sequence[UInt8[np.ndarray, "h w c"]],
    said: Float[np.ndarray, "n h2 w2 classes"],
    names: Sequence[str],
) -> list[Segmented]:
    """What a network says of each of several images."""
    masks = said.argmax(axis=-1)
    return [Segmented(str(file), image, mask, names) for file, image, mask in zip(files, images, masks, strict=True)]
