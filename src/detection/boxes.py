"""Boxes: top, left, bottom and right, in pixels or as shares of an image; the last two are where the outside begins."""

from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Num

AnyArray = jax.Array | np.ndarray
A = TypeVar("A", jax.Array, np.ndarray)


def areas(boxes: Num[A, "*n 4"]) -> Num[A, "*n"]:
    """Height times width; 0 of a box that ends before it begins."""
    height, width = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return height.clip(0) * width.clip(0)


def ious(boxes: Num[A, "*#n 4"], others: Num[A, "*#n 4"]) -> Num[A, "*#n"]:
    """Intersection over union of boxes with others, one by one; 0 where both have no area.

    With `boxes[:, None]` and `others[None]` it is that of all with all. On the host for arrays of NumPy.
    """
    xp = boxes.__array_namespace__()
    first, last = xp.maximum(boxes[..., :2], others[..., :2]), xp.minimum(boxes[..., 2:], others[..., 2:])
    size = (last - first).clip(0)
    shared = size[..., 0] * size[..., 1]
    union = areas(boxes) + areas(others) - shared
    return xp.where(union > 0, shared / xp.where(union > 0, union, 1), 0.0)


def in_shares(boxes: Num[A, "*n 4"], shape: tuple[int, int]) -> Num[A, "*n 4"]:
    """Boxes in pixels as shares of the height and width of their image."""
    return boxes / np.array([*shape, *shape], np.float32)


def in_pixels(boxes: Num[A, "*n 4"], shape: tuple[int, int]) -> Num[A, "*n 4"]:
    """Boxes in shares as pixels of an image of the given height and width."""
    return boxes * np.array([*shape, *shape], np.float32)
