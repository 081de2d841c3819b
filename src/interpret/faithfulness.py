"""Whether a map tells what a network looks at: its pixels are taken away, or put back, and the answer is watched.

Deletion and insertion: Petsiuk et al. 2018 (arXiv:1806.07421): the probability of a class, as the pixels of the largest
values are deleted first, or inserted first. A good map has a small area under the one curve and a large area under the
other. Pixel flipping: Bach et al. 2015 (doi:10.1371/journal.pone.0130140): the score, pixel by pixel.

All take `network, images, maps, target=None`, where `maps` are what a method of attribution gives: `n h w`, or
`n h w c`, whose channels are added. The rest is as `src/interpret/explained.py` says. Changed images of all steps are
computed in batches on the device.
"""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from ..config.errors import UserError
from .explained import BATCH_SIZE, checked_images, chunks, explained, like_images, score_of, scores

Kept = Literal["last", "first"]


def deletion(
    network: nnx.Module,
    images: Any,
    maps: Any,
    target: Any = None,
    *,
    steps: int = 32,
    baseline: Any = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n points"]:
    """The probability of the class when no pixel is deleted, and after every step, up to all pixels.

    Args:
        network: any NNX module that gives scores of classes.
        images: what it takes.
        maps: of the images.
        target: the class of each image; the predicted one if missing.
        steps: in which all pixels are deleted.
        baseline: what is there instead: a number, an image, or one for each image.
        batch_size: changed images at once.

    Raises:
        UserError: the input does not fit.
    """
    return _curves(network, images, maps, target, steps, baseline, batch_size, "last", jax.nn.softmax)


def insertion(
    network: nnx.Module,
    images: Any,
    maps: Any,
    target: Any = None,
    *,
    steps: int = 32,
    baseline: Any = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n points"]:
    """The probability of the class when no pixel is there yet, and after every step; see `deletion`.

    Raises:
        UserError: the input does not fit.
    """
    return _curves(network, images, maps, target, steps, baseline, batch_size, "first", jax.nn.softmax)


def pixel_flipping(
    network: nnx.Module,
    images: Any,
    maps: Any,
    target: Any = None,
    *,
    steps: int | None = None,
    baseline: Any = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n points"]:
    """The score of the class when no pixel is changed, and after every step; one step is one pixel if not given.

    Raises:
        UserError: the input does not fit.
    """
    steps = int(np.prod(checked_images(images).shape[1:3])) if steps is None else steps
    return _curves(network, images, maps, target, steps, baseline, batch_size, "last", _as_they_are)


def area(curves: Float[np.ndarray, "n points"]) -> Float[np.ndarray, "n"]:
    """The area under each curve, where the way from its first to its last point has length 1."""
    return (curves[:, 1:] + curves[:, :-1]).mean(1) / 2


def ranks(maps: Any, images: Float[np.ndarray, "n h w c"]) -> Int[np.ndarray, "n h w"]:
    """The place of each pixel among those of its image, the largest value first; equal values in reading order.

    Raises:
        UserError: the maps do not belong to the images, or are not finite.
    """
    found = np.asarray(maps)
    found = found.sum(-1) if found.ndim == 4 else found
    if found.shape != images.shape[:3]:
        of_each = "x".join(map(str, images.shape[:3]))
        raise UserError(f"maps should be {of_each}, one for each image, not {'x'.join(map(str, found.shape))}")
    if not np.isfinite(found).all():
        raise UserError("maps should be finite")
    order = np.argsort(-found.reshape(len(found), -1), axis=1, kind="stable")
    return np.argsort(order, axis=1).astype(np.int32).reshape(found.shape)


def _as_they_are(scores: Array) -> Array:
    return scores


def _curves(
    network: nnx.Module,
    images: Any,
    maps: Any,
    target: Any,
    steps: int,
    baseline: Any,
    batch_size: int,
    hidden: Kept,
    answer: Any,
) -> Float[np.ndarray, "n points"]:
    given = explained(network, images, target, batch_size)
    instead, places = like_images(baseline, given.images, "baseline"), ranks(maps, given.images)
    pixels = places[0].size
    if not 1 <= steps <= pixels:
        raise UserError(f"steps={steps}: should be from 1 to {pixels}, the number of pixels")
    counts = np.round(np.linspace(0, pixels, steps + 1)).astype(np.int32)

    def of_batch(images: Array, targets: Array, instead: Array, places: Array) -> Array:
        shown, other = (images, instead) if hidden == "last" else (instead, images)
        compute = partial(_answers, given.network, shown, other, targets, places, answer=answer)
        found = [compute(chunk) for chunk in chunks(counts, given.copies)]
        return jnp.concatenate(found, 1)[:, : len(counts)]

    return given.in_batches(of_batch, instead, places)


@partial(jax.jit, static_argnames="answer")
def _answers(
    network: nnx.Module,
    shown: Float[Array, "b h w c"],
    other: Float[Array, "b h w c"],
    targets: Int[Array, "b"],
    places: Int[Array, "b h w"],
    counts: Int[Array, "copies"],
    *,
    answer: Any,
) -> Float[Array, "b copies"]:
    """What the network answers when so many pixels, by their places, are those of the other image."""
    changed = jnp.where((places < counts[:, None, None, None])[..., None], other, shown)
    found = answer(scores(network, changed.reshape(-1, *shown.shape[1:])))
    return score_of(found, jnp.tile(targets, len(counts))).reshape(len(counts), -1).T
