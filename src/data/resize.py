"""Images of any size brought to one."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..config.errors import UserError

Pixels = UInt8[np.ndarray, "h w c"]

LARGEST = 16 * 2**30
LARGEST_SCALED = 2**25
"""Pixels of a whole image after scaling; only of very oblong ones are there more."""


def check_memory(name: str, size: int) -> None:
    """Refuses a data set of more bytes than memory is likely to hold.

    Raises:
        UserError: saying what helps.
    """
    if size > LARGEST:
        raise UserError(f"data.name={name} does not fit in memory at this size; set a smaller data.image_size")


def to_square(image: Pixels, size: int) -> UInt8[np.ndarray, "s s c"]:
    """Scales the shorter side to `size` pixels and cuts the middle of the longer one."""
    channels = image.shape[-1]
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    return np.asarray(squared(picture, size)).reshape(size, size, channels)


def squared(picture: Image.Image, size: int) -> Image.Image:
    """The same for a picture of Pillow."""
    width, height = picture.size
    scale = size / min(height, width)
    scaled = (max(size, round(width * scale)), max(size, round(height * scale)))
    left, top = (scaled[0] - size) // 2, (scaled[1] - size) // 2
    if scaled[0] * scaled[1] > LARGEST_SCALED:  # the middle alone, with other roundings
        across, down = width / scaled[0], height / scaled[1]
        middle = (left * across, top * down, (left + size) * across, (top + size) * down)
        return picture.resize((size, size), Image.Resampling.BICUBIC, box=middle)
    return picture.resize(scaled, Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))


def stack(images: list[Pixels], name: str) -> UInt8[np.ndarray, "n h w c"]:
    """Makes one array of images that have to agree in shape.

    Raises:
        UserError: they do not.
    """
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise UserError(f"data.name={name}: images have {len(shapes)} different shapes; set data.image_size=64, say")
    return np.stack(images)


def shrink(images: UInt8[np.ndarray, "n h w c"], size: int) -> UInt8[np.ndarray, "n h2 w2 c"]:
    """Averages squares of pixels so that neither side exceeds `size`, or until one is a single pixel.

    Smaller images stay as they are, and so do rows of a table, `[columns, 1, channels]`.
    """
    count, height, width, channels = images.shape
    factor = min(-(-max(height, width) // size), height, width)
    if factor == 1:
        return images
    rows, columns = height // factor, width // factor
    squares = images[:, : rows * factor, : columns * factor].reshape(count, rows, factor, columns, factor, channels)
    return np.round(squares.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
