"""Images of any size brought to one."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from src.config.errors import UserError

Pixels = UInt8[np.ndarray, "h w c"]

LARGEST = 16 * 2**30


def check_memory(name: str, size: int) -> None:
    """Refuses a data set of more bytes than memory is likely to hold.

    Raises:
        UserError: saying what helps.
    """
    if size > LARGEST:
        raise UserError(f"data.name={name} does not fit in memory at this size; set a smaller data.image_size")


def to_square(image: Pixels, size: int) -> UInt8[np.ndarray, "s s c"]:
    """Scales the shorter side to `size` pixels and cuts the middle of the longer one."""
    height, width, channels = image.shape
    scale = size / min(height, width)
    scaled = (max(size, round(width * scale)), max(size, round(height * scale)))
    picture = Image.fromarray(image[..., 0] if channels == 1 else image).resize(scaled, Image.Resampling.BICUBIC)
    left, top = (scaled[0] - size) // 2, (scaled[1] - size) // 2
    return np.asarray(picture.crop((left, top, left + size, top + size))).reshape(size, size, channels)


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
