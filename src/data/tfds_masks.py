"""Sets of images with masks of TensorFlow Datasets, such as Oxford Pets, by name and without TensorFlow at run time."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps
from pydantic import Field

from ..config.errors import UserError
from .examples import Examples, Split, canonical_order, divided, with_test
from .faults import Faults
from .resize import check_memory
from .settings import DataSettings
from .tfds import needed_info, record

IMAGE = "image"


class TfdsMasks(DataSettings):
    """A set whose examples have `image` and a picture of the same size, whose pixels are numbers of classes.

    Attributes:
        image_size: height and width that every image is brought to: it is scaled until it covers them, and its middle
            is taken. So is its mask, without new values between.
        mask: the feature with the classes of the pixels.
        classes: their names, in the order of the numbers there.
        first: the number of the first class.
        test_share: part of the images that is set aside as test split where none is published.
    """

    image_size: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=2)]
    mask: Annotated[str, Field(min_length=1)]
    classes: Annotated[list[str], Field(min_length=2, max_length=255)]
    first: Annotated[int, Field(ge=0, le=255)]
    test_share: Annotated[float, Field(gt=0, lt=1)]

    def read(self) -> Examples:
        """Reads a prepared directory.

        Raises:
            UserError: TFDS has no such set, it is not prepared or damaged, or has no masks.
        """
        info = needed_info(self.name)
        if "train" not in info.splits or not {IMAGE, self.mask} <= set(info.features):
            raise UserError(
                f"data.name={self.name} has no training split with the features {IMAGE} and {self.mask}; "
                f"it has {', '.join(info.features)}"
            )
        titles = [title for title in ("train", "validation", "test") if title in info.splits]
        images = sum(info.splits[title].num_examples for title in titles)
        check_memory(self.name, 4 * images * self.image_size[0] * self.image_size[1])
        faults = Faults()
        splits = {title: self._split(title, faults) for title in titles}
        return divided(with_test(splits), self.classes, self.test_share, faults.notes())

    def _split(self, title: str, faults: Faults) -> Split:
        read = list(self._read(title, faults))
        if not read:
            raise UserError(f"data.name={self.name} has no images with masks in {title}: {'; '.join(faults.notes())}")
        images, masks = (np.stack(arrays) for arrays in zip(*read, strict=True))
        return canonical_order(Split(images, {"mask": masks}))

    def _read(
        self, title: str, faults: Faults
    ) -> Iterator[tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w"]]]:
        """The images and masks of a split, at the size that is asked for."""
        import tensorflow_datasets as tfds

        source = tfds.data_source(self.name, split=title, download=False)
        height, width = self.image_size
        for number in range(len(source)):
            example, place = record(source, number), f"{title} {number}"
            image, mask = (np.asarray(example[name]) for name in (IMAGE, self.mask))
            numbers = mask.reshape(mask.shape[:2]).astype(int) - self.first
            if numbers.shape != image.shape[:2]:
                faults.add("masks of another size than their image, left out", place)
            elif not 0 <= numbers.min() <= numbers.max() < len(self.classes):
                faults.add(f"masks with other values than those of {len(self.classes)} classes, left out", place)
            else:
                picture = Image.fromarray(image.squeeze()).convert("RGB")
                own = ImageOps.fit(Image.fromarray(numbers.astype(np.uint8)), (width, height), Image.Resampling.NEAREST)
                yield np.asarray(ImageOps.fit(picture, (width, height), Image.Resampling.BICUBIC)), np.asarray(own)
