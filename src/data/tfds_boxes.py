"""Sets of images with boxes of TensorFlow Datasets, such as VOC, by name and without TensorFlow at run time."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import Field

from ..config.errors import UserError
from .annotations import Form, Scene, as_split, stretched
from .examples import Examples, canonical_order, divided, with_test
from .faults import Faults
from .resize import check_memory
from .settings import DataSettings
from .tfds import needed_info, record

FEATURES = {"image", "objects"}
DIFFICULT = ("is_difficult", "is_crowd")
"""Of an object: in VOC, in COCO."""


class TfdsBoxes(DataSettings):
    """A set whose examples have `image` and `objects` with `bbox` and `label`; `is_difficult` is heeded.

    Attributes:
        image_size: side of the square that every image is stretched to.
        test_share: part of the images that is set aside as test split where none with boxes is published.
    """

    image_size: Annotated[int, Field(gt=0)]
    test_share: Annotated[float, Field(gt=0, lt=1)]

    def read(self) -> Examples:
        """Reads a prepared directory.

        Raises:
            UserError: TFDS has no such set, it is not prepared or damaged, or has no boxes.
        """
        info = needed_info(self.name)
        if "train" not in info.splits or not set(info.features) >= FEATURES:
            raise UserError(f"data.name={self.name} has no training split of images with objects")
        names, faults = tuple(info.features["objects"]["label"].names), Faults()
        check_memory(self.name, sum(each.num_examples for each in info.splits.values()) * 3 * self.image_size**2)
        splits = {name: list(self._scenes(name, faults)) for name in ("train", "validation", "test")
                  if name in info.splits}  # fmt: skip
        splits = {name: each for name, each in splits.items() if name == "train" or any(one.boxes for one in each)}
        most = max((len(scene.boxes) for each in splits.values() for scene in each), default=0)
        made = {name: canonical_order(as_split(each, max(most, 1))) for name, each in splits.items()}
        return divided(with_test(made), names, self.test_share, faults.notes())

    def _scenes(self, split: str, faults: Faults) -> Iterator[Scene]:
        import tensorflow_datasets as tfds

        source = tfds.data_source(self.name, split=split, download=False)
        form = Form(self.image_size, 3)
        for number in range(len(source)):
            example = record(source, number)
            picture = Image.fromarray(np.asarray(example["image"]).squeeze())
            boxes = [
                each for one in _things(example["objects"]) if (each := self._box(one, f"{split} {number}", faults))
            ]
            yield Scene(stretched(picture, form), boxes)

    def _box(self, thing: dict[str, Any], place: str, faults: Faults) -> tuple[int, tuple[float, ...], bool] | None:
        """Class, box in pixels and whether it is difficult; None of a box without area."""
        top, left, bottom, right = np.clip(np.asarray(thing["bbox"], float), 0, 1).tolist()
        if bottom <= top or right <= left:
            faults.add("boxes without area, left out", place)
            return None
        box = tuple(self.image_size * side for side in (top, left, bottom, right))
        return int(thing["label"]), box, any(bool(thing.get(name)) for name in DIFFICULT)


def _things(objects: Any) -> Iterator[dict[str, Any]]:
    """The objects of an example, which TFDS gives as one mapping of rows, or as a list of mappings."""
    if not isinstance(objects, dict):
        yield from objects
        return
    for number in range(len(objects["label"])):
        yield {name: values[number] for name, values in objects.items()}
