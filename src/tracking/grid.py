"""A grid of small images as one image."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Num, UInt8
from PIL import Image, ImageDraw, ImageFont

SIDE = 112
"""The least side of an enlarged image, in pixels."""

LINE = 16
"""The height of a title, in pixels."""


def grid(
    images: Num[np.ndarray, "n h w c"], titles: Sequence[str] = (), *, columns: int = 8, scale: int | None = None
) -> UInt8[np.ndarray, "height width 3"]:
    """Images in rows, one pixel apart, scaled from the smallest value (black) to the largest (white).

    Args:
        images: in any range. Unless there are three channels, their mean is shown.
        titles: text below each image, if any.
        columns: images per row.
        scale: side of an enlarged pixel; by default such that images have at least `SIDE` pixels.
    """
    columns = min(columns, len(images))
    low, high = images.min(), images.max()
    pixels = ((images - low) / max(high - low, 1e-12) * 255).round().astype(np.uint8)
    pixels = pixels if pixels.shape[-1] == 3 else pixels.mean(axis=-1, keepdims=True).astype(np.uint8)
    pixels = np.broadcast_to(pixels, (*pixels.shape[:-1], 3))
    scale = scale or -(-SIDE // max(pixels.shape[1:3]))
    pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    if titles:
        written = np.stack([_written(title, pixels.shape[2]) for title in titles])
        pixels = np.concatenate([pixels, written], axis=1)
    empty = np.zeros((-len(pixels) % columns, *pixels.shape[1:]), np.uint8)
    framed = np.pad(np.concatenate([pixels, empty]), ((0, 0), (0, 1), (0, 1), (0, 0)))
    rows = framed.reshape(-1, columns, *framed.shape[1:])
    return np.concatenate(list(np.concatenate(list(rows.swapaxes(0, 1)), axis=2)), axis=0)


def _written(title: str, width: int) -> UInt8[np.ndarray, "line width 3"]:
    """A title in white on black, cut to the given width."""
    font = ImageFont.load_default(LINE - 4)
    line = " ".join(title.split())
    cut = (line if kept == len(line) else f"{line[:kept]}…" for kept in range(len(line), 0, -1))
    shown = next((text for text in cut if font.getlength(text) <= width), "")
    picture = Image.new("RGB", (width, LINE))
    ImageDraw.Draw(picture).text((width / 2, LINE / 2), shown, "white", font, anchor="mm")
    return np.asarray(picture)
