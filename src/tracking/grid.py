"""Many small images as one."""

import numpy as np
from jaxtyping import Num, UInt8


def grid(
    images: Num[np.ndarray, "n h w c"], *, columns: int = 8, scale: int = 2
) -> UInt8[np.ndarray, "height width 3"]:
    """Images in rows, one pixel apart, from the darkest value (black) to the brightest (white).

    Args:
        images: colour, or of another number of channels, whose mean is shown; in any range.
        columns: how many stand beside each other.
        scale: how large a pixel becomes.
    """
    low, high = images.min(), images.max()
    pixels = ((images - low) / max(high - low, 1e-12) * 255).round().astype(np.uint8)
    pixels = pixels if pixels.shape[-1] == 3 else pixels.mean(axis=-1, keepdims=True).astype(np.uint8)
    pixels = np.broadcast_to(pixels, (*pixels.shape[:-1], 3))
    pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    empty = np.zeros((-len(pixels) % columns, *pixels.shape[1:]), np.uint8)
    framed = np.pad(np.concatenate([pixels, empty]), ((0, 0), (0, 1), (0, 1), (0, 0)))
    rows = framed.reshape(-1, columns, *framed.shape[1:])
    return np.concatenate(list(np.concatenate(list(rows.swapaxes(0, 1)), axis=2)), axis=0)
