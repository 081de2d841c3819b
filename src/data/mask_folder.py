"""A folder of images and masks: pictures of the same size, whose pixels are the numbers of classes."""

from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps
from pydantic import Field, field_validator

from ..config.errors import UserError
from ..config.settings import not_defining
from .annotations import PLAIN
from .examples import Examples, Split, canonical_order, divided
from .faults import Faults
from .folder import read_picture
from .mask_pairs import Pair, pairs_in
from .resize import check_memory
from .settings import DataSettings, only

Pixels = UInt8[np.ndarray, "h w 3"]
Mask = UInt8[np.ndarray, "h w"]

NUMBERED = ("L", "P", "1")
"""Modes of pictures, in Pillow's words, whose pixels are numbers: grey levels, or places in a palette."""

MOST_CLASSES = 255


class MaskFolder(DataSettings):
    """Images and masks in `root`; see `src/data/mask_pairs.py` for the folders in it.

    Whatever cannot be read as it is meant to be is left out, counted and named.

    Attributes:
        root: the folder.
        image_size: height and width that every image is brought to: it is scaled until it covers them, and its middle
            is taken. So is its mask, without new values between.
        classes: names of the classes, in the order of their numbers.
        void: value of pixels that belong to no class, which `task.ignored` has to name as well; null for none.
        test_share: part of the images that is set aside as test split where there is none.
        strict: refuse a folder about which anything is odd.
    """

    name: Annotated[str, only("mask_folder")]
    root: Annotated[str, Field(min_length=1)]
    image_size: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=2)]
    classes: Annotated[list[str], Field(min_length=2, max_length=MOST_CLASSES)]
    void: Annotated[int, Field(ge=0, le=255)] | None
    test_share: Annotated[float, Field(gt=0, lt=1)]
    strict: bool = not_defining(False)

    @field_validator("classes")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"has {name} twice")
        return names

    def read(self) -> Examples:
        """Decodes every image and its mask; what is odd is counted in the notes.

        Raises:
            UserError: nothing can be read; something is odd, and `strict` refuses that.
        """
        root, faults = Path(self.root).expanduser(), Faults()
        pairs = pairs_in(root, faults)
        check_memory(self.name, 4 * sum(map(len, pairs.values())) * self.image_size[0] * self.image_size[1])
        splits = {title: self._split(title, each, root, faults) for title, each in pairs.items()}
        if self.strict:
            faults.refuse()
        return divided(splits, self.classes, self.test_share, faults.notes())

    def _split(self, title: str, pairs: list[Pair], root: Path, faults: Faults) -> Split:
        read = [found for pair in pairs if (found := self._read(pair, root, faults))]
        if not read:
            why = "; ".join(faults.notes())
            raise UserError(f"data.root: {root} has no images with masks for the {title} split{why and f': {why}'}")
        images, masks = (np.stack(arrays) for arrays in zip(*read, strict=True))
        return canonical_order(Split(images, {"mask": masks}))

    def _read(self, pair: Pair, root: Path, faults: Faults) -> tuple[Pixels, Mask] | None:
        """An image and its mask at the size that is asked for; None if one of them cannot be used."""
        place, height, width = str(pair.image.relative_to(root)), *self.image_size
        try:
            picture, mask = read_picture(pair.image), read_mask(pair.mask)
        except UserError as error:
            faults.add("images or masks that cannot be read, left out", str(error))
            return None
        if mask.size != picture.image.size:
            faults.add("masks of another size than their image, left out", str(pair.mask.relative_to(root)))
            return None
        wrong = {*np.unique(np.asarray(mask)).tolist()} - {*range(len(self.classes)), self.void}
        if wrong:
            kind = f"masks with other values than {len(self.classes)} classes and data.void, left out"
            faults.add(kind, f"{pair.mask.relative_to(root)} ({min(wrong)})")
            return None
        if picture.turned:
            faults.add("images that are turned by their EXIF data, and their masks taken to be turned already", place)
        if picture.mode not in PLAIN:
            faults.add(f"images in {picture.mode}, converted", place)
        image = ImageOps.fit(picture.image.convert("RGB"), (width, height), Image.Resampling.BICUBIC)
        return np.asarray(image), np.asarray(ImageOps.fit(mask, (width, height), Image.Resampling.NEAREST))


def read_mask(path: Path) -> Image.Image:
    """A mask, whose pixels are numbers.

    Raises:
        UserError: it cannot be read, or has colours, or more than 8 bits.
    """
    try:
        with Image.open(path) as file:
            mode = file.mode
            own = Image.fromarray(np.asarray(file).astype(np.uint8)) if mode in NUMBERED else None
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise UserError(f"{path} is damaged or not an image ({' '.join(str(error).split())})") from None
    if own is None:
        raise UserError(f"{path} is in {mode}, where numbers of classes are needed: 8 bits, grey or with a palette")
    return own
