"""Shapes drawn from a seed, with the class of every pixel and a box around each shape; no download."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Int, UInt8
from pydantic import Field, model_validator

from ..config.errors import UserError
from ..config.settings import added
from .examples import Examples, Split
from .resize import check_memory
from .settings import DataSettings, only

CLASSES = ("background", "circle", "square", "triangle")
DARKEST_SHAPE, BRIGHTEST_BACKGROUND, NOISE = 110, 100, 20
"""Levels of pixels, and the standard deviation of the noise on them."""

BETWEEN = np.iinfo(np.uint8).max

LEAST_SEEN = 0.5
"""With boxes of what is seen, the share of a shape's pixels that later shapes leave uncovered at least."""

PLACES = 200
"""That are tried for a shape that must not cover too much of others, before an image is full."""


class Shapes(DataSettings):
    """Bright circles, squares and triangles on a dark, noisy background; a later shape covers an earlier one.

    Targets: `mask`, the class of every pixel, 0 being the background; and for up to `shapes` shapes of an image, in the
    order in which they are drawn, `box` (top, left, bottom, right; the last two are the first pixels outside),
    `box_label`, and `box_present`, which is false where an image has fewer.

    Attributes:
        image_size: height and width.
        shapes: the largest number in an image.
        train: number of training images.
        test: number of test images.
        drawn: seed of all images.
        width: of images that are not square.
        fewest: the smallest number of shapes in an image.
        smallest: half of a shape's height over the shorter side of the image.
        largest: the same of the largest shapes.
        boxes: a box is around the `whole` shape, also where a later one covers a part of it, or all; or around what is
            `seen` of it, which then is half of its pixels at least: places that would hide more of any shape are drawn
            again.
    """

    name: Annotated[str, only("shapes")]
    image_size: Annotated[int, Field(ge=16, le=1024)]
    shapes: Annotated[int, Field(gt=0, le=64)]
    train: Annotated[int, Field(gt=0)]
    test: Annotated[int, Field(gt=0)]
    drawn: Annotated[int, Field(ge=0)]
    width: Annotated[int, Field(ge=16, le=1024)] | None = added(None)
    fewest: Annotated[int, Field(gt=0)] = added(1)
    smallest: Annotated[float, Field(gt=0, lt=0.5)] = added(1 / 8)
    largest: Annotated[float, Field(gt=0, lt=0.5)] = added(1 / 4)
    boxes: Literal["whole", "seen"] = added("whole")

    @model_validator(mode="after")
    def _possible(self) -> "Shapes":
        if self.validation >= self.train:
            raise ValueError(f"validation={self.validation} leaves nothing of train={self.train} images")
        if self.fewest > self.shapes:
            raise ValueError(f"fewest={self.fewest} is more than shapes={self.shapes}, the largest number")
        if self.smallest > self.largest:
            raise ValueError(f"smallest={self.smallest} is more than largest={self.largest}")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image_size, self.width or self.image_size

    def read(self) -> Examples:
        """Draws all images.

        Raises:
            UserError: they do not fit in memory, or so many shapes in an image.
        """
        rng = np.random.default_rng(self.drawn)
        check_memory(self.name, 4 * (self.train + self.test) * self.size[0] * self.size[1])
        return Examples(self._split(rng, self.train), self._split(rng, self.test), CLASSES)

    def _split(self, rng: np.random.Generator, count: int) -> Split:
        size, most = self.size, self.shapes
        images = np.empty((count, *size, 3), np.uint8)
        targets: dict[str, np.ndarray] = {
            "mask": np.zeros((count, *size), np.uint8),
            "box": np.zeros((count, most, 4), np.int32),
            "box_label": np.zeros((count, most), np.int32),
            "box_present": np.zeros((count, most), bool),
        }
        for number in range(count):
            own = {name: array[number] for name, array in targets.items()}
            images[number] = self._draw(rng, **own)
        return Split(images, targets)

    def _draw(
        self,
        rng: np.random.Generator,
        mask: UInt8[np.ndarray, "h w"],
        box: Int[np.ndarray, "k 4"],
        box_label: Int[np.ndarray, "k"],
        box_present: Bool[np.ndarray, "k"],
    ) -> UInt8[np.ndarray, "h w 3"]:
        """Draws one image and fills in its targets."""
        pixels = np.broadcast_to(rng.uniform(0, BRIGHTEST_BACKGROUND, 3), (*self.size, 3)).copy()
        drawn: list[Bool[np.ndarray, "h w"]] = []
        for number in range(rng.integers(self.fewest, self.shapes, endpoint=True)):
            found = self._placed(rng, drawn)
            if found is None and number < self.fewest:
                raise UserError(f"data.shapes={self.shapes} of this size have no place in an image; see data.smallest")
            if found is None:
                break
            label, inside = found
            pixels[inside], mask[inside] = rng.uniform(DARKEST_SHAPE, BETWEEN, 3), label
            drawn.append(inside)
            box_label[number], box_present[number] = label, True
        for number, inside in enumerate(drawn if self.boxes == "whole" else seen(drawn)):
            box[number] = bounds(inside)
        return np.clip(np.round(pixels + rng.normal(0, NOISE, pixels.shape)), 0, BETWEEN).astype(np.uint8)

    def _placed(
        self, rng: np.random.Generator, drawn: list[Bool[np.ndarray, "h w"]]
    ) -> tuple[int, Bool[np.ndarray, "h w"]] | None:
        """The class of another shape and its pixels; none if it has no place beside the others."""
        height, width = self.size
        side = min(self.size)
        for _ in range(PLACES):
            label = int(rng.integers(1, len(CLASSES)))
            radius = int(
                rng.integers(max(1, int(side * self.smallest)), max(1, int(side * self.largest)), endpoint=True)
            )
            row, column = rng.integers(radius, (height - radius, width - radius)).tolist()
            inside = shape(CLASSES[label], self.size, row, column, radius)
            if self.boxes == "whole" or leaves_enough(drawn, inside):
                return label, inside
        return None


def seen(drawn: Sequence[Bool[np.ndarray, "h w"]]) -> list[Bool[np.ndarray, "h w"]]:
    """The pixels of each shape that no later one covers."""
    covered, left = np.zeros_like(drawn[0]), []
    for inside in reversed(drawn):
        left.append(inside & ~covered)
        covered |= inside
    return left[::-1]


def leaves_enough(drawn: Sequence[Bool[np.ndarray, "h w"]], inside: Bool[np.ndarray, "h w"]) -> bool:
    """Whether enough is seen of every shape after another one is drawn."""
    left = seen([*drawn, inside])[:-1]
    return all(now.sum() >= LEAST_SEEN * whole.sum() for now, whole in zip(left, drawn, strict=True))


def bounds(inside: Bool[np.ndarray, "h w"]) -> tuple[int, int, int, int]:
    """The smallest box around pixels: top, left, bottom, right; the last two are the first pixels outside."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def shape(name: str, size: tuple[int, int], row: int, column: int, radius: int) -> Bool[np.ndarray, "h w"]:
    """The pixels of a circle, a square or a triangle that points up, around a pixel."""
    down, right = np.arange(size[0])[:, None] - row, np.arange(size[1])[None, :] - column
    if name == "circle":
        return down**2 + right**2 <= radius**2
    if name == "square":
        return np.maximum(np.abs(down), np.abs(right)) <= radius
    return (np.abs(down) <= radius) & (2 * np.abs(right) <= down + radius)
