"""The windows of an image that a score hangs on: each is hidden in turn (occlusion; Zeiler and Fergus 2014, Fig. 7)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from ..config.errors import UserError
from .explained import BATCH_SIZE, chunks, explained, like_images, score_of, scores


def occlusion(
    network: nnx.Module,
    images: Any,
    target: Any = None,
    *,
    window: int,
    stride: int | None = None,
    baseline: Any = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n h w"]:
    """By how much the score is smaller when windows that hold a pixel are hidden: the mean over these windows.

    It takes and gives what `src/interpret/explained.py` says.

    Args:
        network: any NNX module that gives scores of classes.
        images: what it takes.
        target: the class of each image; the predicted one if missing.
        window: side of the square that is hidden.
        stride: from one to the next; half the window if missing. The last ones may be cut off at the edge, so that
            every pixel is hidden, unless the stride is larger than the window.
        baseline: what is there instead: a number, an image, or one for each image.
        batch_size: images with a hidden window that are computed at once.

    Raises:
        UserError: the input does not fit.
    """
    given = explained(network, images, target, batch_size)
    hidden = like_images(baseline, given.images, "baseline")
    height, width = given.images.shape[1:3]
    stride = max(1, window // 2) if stride is None else stride
    if not 1 <= window <= min(height, width):
        raise UserError(f"window={window}: should be from 1 to {min(height, width)}, the side of the images")
    if stride < 1:
        raise UserError(f"stride={stride}: should be at least 1")
    masks = _windows(height, width, window, stride)

    def of_batch(images: Array, targets: Array, hidden: Array) -> Array:
        whole = _scores(given.network, images, targets)
        total = jnp.zeros(images.shape[:3])
        for chunk in chunks(masks, given.copies):
            total += _drops(given.network, images, targets, hidden, whole, chunk)
        return total / np.maximum(masks.sum(0), 1)

    return given.in_batches(of_batch, hidden)


def _windows(height: int, width: int, side: int, stride: int) -> Bool[np.ndarray, "windows height width"]:
    """Where each window is, row by row."""

    def places(length: int) -> Bool[np.ndarray, "places length"]:
        starts = np.arange(0, max(length - side, 0) + stride, stride)[: -(-(length - side) // stride) + 1]
        pixels = np.arange(length)
        return (starts[:, None] <= pixels) & (pixels < starts[:, None] + side)

    rows, columns = places(height), places(width)
    return (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, height, width)


@jax.jit
def _scores(network: nnx.Module, images: Float[Array, "b h w c"], targets: Int[Array, "b"]) -> Float[Array, "b"]:
    return score_of(scores(network, images), targets)


@jax.jit
def _drops(
    network: nnx.Module,
    images: Float[Array, "b h w c"],
    targets: Int[Array, "b"],
    hidden: Float[Array, "b h w c"],
    whole: Float[Array, "b"],
    masks: Bool[Array, "copies h w"],
) -> Float[Array, "b h w"]:
    """The sum over some windows of what the score loses, at the pixels of each."""
    changed = jnp.where(masks[:, None, :, :, None], hidden, images)
    found = scores(network, changed.reshape(-1, *images.shape[1:]))
    drops = whole - score_of(found, jnp.tile(targets, len(masks))).reshape(len(masks), -1)
    return jnp.einsum("kb,khw->bhw", drops, masks.astype(drops.dtype))
