"""Many small pictures as one."""

import numpy as np
from jaxtyping import Float, Num
from matplotlib import colormaps

from .style import SIGNED

PAPER = (1.0, 1.0, 1.0)
"""White, behind the pictures and where they have no value."""


def coloured(values: Num[np.ndarray, "n h w"], *, each: bool = False) -> Float[np.ndarray, "n h w 3"]:
    """Numbers as colours: from 0 (black) to the largest (white), or, if some are below zero, blue, white and red.

    Args:
        values: of several pictures.
        each: whether every picture has a scale of its own, which is red and blue.
    """
    axes = (1, 2) if each else None
    largest = np.maximum(np.abs(values).max(axis=axes, keepdims=True, initial=0), np.finfo(np.float32).tiny)
    if each or values.min(initial=0) < 0:
        return colormaps[SIGNED](0.5 + values / (2 * largest))[..., :3]
    return colormaps["gray"](values / largest)[..., :3]


def as_colours(images: Num[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n h w 3"]:
    """Images of bytes as red, green and blue from 0 to 1; the mean of the channels, unless there are three."""
    pictures = np.asarray(images, np.float64) / 255
    grey = pictures.mean(axis=-1, keepdims=True)
    return pictures if pictures.shape[-1] == 3 else np.broadcast_to(grey, (*grey.shape[:-1], 3))


def signed_colours(values: Float[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n h w 3"]:
    """Numbers around zero as red, green and blue around grey, each picture on a scale of its own; NaN stays."""
    sizes = np.nan_to_num(np.abs(values.astype(np.float64)))
    largest = np.maximum(sizes.max(axis=(1, 2, 3), keepdims=True), np.finfo(np.float32).tiny)
    return as_colours(255 * (0.5 + values / (2 * largest)))


def enlarged(pictures: Float[np.ndarray, "n h w 3"], side: int) -> Float[np.ndarray, "n h2 w2 3"]:
    """The pictures with a longer side of `side`, by repeating or leaving out pixels."""
    height, width = pictures.shape[1:3]
    rows, columns = (
        np.arange(max(1, round(side * own / max(height, width)))) * max(height, width) // side
        for own in (height, width)
    )
    return pictures[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)]


def framed(
    pictures: Float[np.ndarray, "n h w 3"], colours: Float[np.ndarray, "n 3"], width: int = 3
) -> Float[np.ndarray, "n h2 w2 3"]:
    """The pictures with a frame in a colour of its own around each."""
    count, height, own, _ = pictures.shape
    frames = np.ones((count, height + 2 * width, own + 2 * width, 3)) * colours[:, None, None]
    frames[:, width:-width, width:-width] = pictures
    return frames


def tiled(
    pictures: Float[np.ndarray, "n h w 3"], columns: int, gap: int = 3, paper: tuple[float, float, float] = PAPER
) -> Float[np.ndarray, "height width 3"]:
    """The pictures in rows, with paper between them and where they have no value."""
    count, height, width, _ = pictures.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, 3)) * paper
    for number, picture in enumerate(np.where(np.isnan(pictures), paper, pictures).clip(0, 1)):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet
