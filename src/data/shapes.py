"""Shapes drawn from a seed, with the class of every pixel and a box around each shape; no download."""

from typing import Annotated

import numpy as np
from jaxtyping import Bool, Int, UInt8
from pydantic import Field, model_validator

from .examples import Examples, Split
from .settings import DataSettings, only

CLASSES = ("background", "circle", "square", "triangle")
DARKEST_SHAPE, BRIGHTEST_BACKGROUND, NOISE = 110, 100, 20
"""Levels of pixels, and the standard deviation of the noise on them."""

BETWEEN = np.iinfo(np.uint8).max


class Shapes(DataSettings):
    """Bright circles, squares and triangles on a dark, noisy background; a later shape covers an earlier one.

    Targets: `mask`, the class of every pixel, 0 being the background; and for up to `shapes` shapes of an image, in the
    order in which they are drawn, `box` (top, left, bottom, right; the last two are the first pixels outside),
    `box_label`, and `box_present`, which is false where an image has fewer.

    Attributes:
        image_size: height and width.
        shapes: the largest number in an image; the smallest is 1.
        train: number of training images.
        test: number of test images.
        drawn: seed of all images.
    """

    name: Annotated[str, only("shapes")]
    image_size: Annotated[int, Field(ge=16, le=256)]
    shapes: Annotated[int, Field(gt=0, le=16)]
    train: Annotated[int, Field(gt=0)]
    test: Annotated[int, Field(gt=0)]
    drawn: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _validation_of_train(self) -> "Shapes":
        if self.validation >= self.train:
            raise ValueError(f"validation={self.validation} leaves nothing of train={self.train} images")
        return self

    def read(self) -> Examples:
        """Draws all images."""
        rng = np.random.default_rng(self.drawn)
        return Examples(self._split(rng, self.train), self._split(rng, self.test), CLASSES)

    def _split(self, rng: np.random.Generator, count: int) -> Split:
        size, most = self.image_size, self.shapes
        images = np.empty((count, size, size, 3), np.uint8)
        targets: dict[str, np.ndarray] = {
            "mask": np.zeros((count, size, size), np.uint8),
            "box": np.zeros((count, most, 4), np.int32),
            "box_label": np.zeros((count, most), np.int32),
            "box_present": np.zeros((count, most), bool),
        }
        for number in range(count):
            own = {name: array[number] for name, array in targets.items()}
            images[number] = draw(rng, **own)
        return Split(images, targets)


def draw(
    rng: np.random.Generator,
    mask: UInt8[np.ndarray, "s s"],
    box: Int[np.ndarray, "k 4"],
    box_label: Int[np.ndarray, "k"],
    box_present: Bool[np.ndarray, "k"],
) -> UInt8[np.ndarray, "s s 3"]:
    """Draws one image and fills in its targets."""
    size = len(mask)
    pixels = np.broadcast_to(rng.uniform(0, BRIGHTEST_BACKGROUND, 3), (size, size, 3)).copy()
    for number in range(rng.integers(1, len(box), endpoint=True)):
        label, radius = int(rng.integers(1, len(CLASSES))), int(rng.integers(size // 8, size // 4, endpoint=True))
        row, column = rng.integers(radius, size - radius, 2).tolist()
        inside = shape(CLASSES[label], size, row, column, radius)
        pixels[inside], mask[inside] = rng.uniform(DARKEST_SHAPE, BETWEEN, 3), label
        rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
        box[number] = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        box_label[number], box_present[number] = label, True
    return np.clip(np.round(pixels + rng.normal(0, NOISE, pixels.shape)), 0, BETWEEN).astype(np.uint8)


def shape(name: str, size: int, row: int, column: int, radius: int) -> Bool[np.ndarray, "s s"]:
    """The pixels of a circle, a square or a triangle that points up, around a pixel."""
    down, right = np.arange(size)[:, None] - row, np.arange(size)[None, :] - column
    if name == "circle":
        return down**2 + right**2 <= radius**2
    if name == "square":
        return np.maximum(np.abs(down), np.abs(right)) <= radius
    return (np.abs(down) <= radius) & (2 * np.abs(right) <= down + radius)
