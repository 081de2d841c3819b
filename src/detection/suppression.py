"""Which of many overlapping boxes are kept: greedy non-maximum suppression of each class, in arrays of fixed size."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .boxes import AnyArray, ious

FEW = 256
"""Scores of an image that are compared with each other; where more are above the least one, it takes much longer."""

AT_ONCE = 2**21
"""Pairs that are compared at once, which a cache can hold."""


class Detections(NamedTuple):
    """Objects that were found in images, the surest first.

    Attributes:
        box: of each.
        label: its class.
        score: how sure it is; 0 where there are no more.
    """

    box: Float[AnyArray, "b k 4"]
    label: Int[AnyArray, "b k"]
    score: Float[AnyArray, "b k"]


@partial(jax.jit, static_argnames=("overlap", "least", "most"))
def detections(
    boxes: Float[Array, "b n 4"], scores: Float[Array, "b n c"], overlap: float, least: float, most: int
) -> Detections:
    """The boxes of each image that no better one of their class overlaps.

    Args:
        boxes: of each image.
        scores: of every class for every box.
        overlap: intersection over union with a better box that is kept, above which a box is not.
        least: scores at or below it, which is not negative, count as no object.
        most: detections of an image at most, the surest ones; no more than `FEW`.
    """
    few = partial(_among_surest, overlap=overlap, least=least, most=most)
    every = partial(_among_all, overlap=overlap, least=least, most=most)
    if scores[0].size <= FEW:
        return few(boxes, scores)
    return jax.lax.cond((scores > least).sum((1, 2)).max() <= FEW, few, every, boxes, scores)


def _among_surest(
    boxes: Float[Array, "b n 4"], scores: Float[Array, "b n c"], *, overlap: float, least: float, most: int
) -> Detections:
    """Those of images that have few scores above the least one, all classes at once."""
    count = min(FEW, scores[0].size)

    def one(image: tuple[Float[Array, "n 4"], Float[Array, "n c"]]) -> Detections:
        own, every = image
        score, place = jax.lax.top_k(jnp.where(every > least, every, 0).ravel(), count)
        number, label = jnp.divmod(place, every.shape[-1])
        box = own[number]
        alike = (ious(box[:, None], box[None]) > overlap) & (label[:, None] == label)
        score, place = jax.lax.top_k(jnp.where(kept(alike, score, score > 0), score, 0), min(most, count))
        return Detections(box[place], label[place], score)

    return jax.lax.map(one, (boxes, scores), batch_size=max(1, AT_ONCE // count**2))


def _among_all(
    boxes: Float[Array, "b n 4"], scores: Float[Array, "b n c"], *, overlap: float, least: float, most: int
) -> Detections:
    """Those of any images, each class by itself."""
    count = min(most, FEW, scores[0].size)

    def one(image: tuple[Float[Array, "n 4"], Float[Array, "n c"]]) -> Detections:
        own, every = image
        alike = ious(own[:, None], own[None]) > overlap
        left = jax.vmap(partial(kept, alike))(every.T, (every > least).T).T
        score, place = jax.lax.top_k(jnp.where(left, every, 0).ravel(), count)
        number, label = jnp.divmod(place, every.shape[-1])
        return Detections(own[number], label, score)

    return jax.lax.map(one, (boxes, scores), batch_size=max(1, AT_ONCE // (scores.shape[-1] * boxes.shape[1] ** 2)))


def kept(alike: Bool[Array, "n n"], scores: Float[Array, "n"], candidates: Bool[Array, "n"]) -> Bool[Array, "n"]:
    """Which boxes of one class are kept by greedy suppression; of equal scores the first comes first.

    A box is kept if no kept one before it is alike. The first is right from the beginning, and each round settles one
    more at least, so that what a round leaves as it was is what the greedy loop gives. A few rounds mostly suffice.

    Args:
        alike: which boxes overlap too much.
        scores: of the class.
        candidates: which boxes are considered.
    """
    number = np.arange(len(scores))
    before = (scores > scores[:, None]) | ((scores == scores[:, None]) & (number < number[:, None]))
    clash = alike & before & candidates

    def unsettled(state: tuple[Array, Array]) -> Array:
        return (state[0] != state[1]).any()

    def settle(state: tuple[Array, Array]) -> tuple[Array, Array]:
        _, now = state
        return now, candidates & ~(clash & now).any(-1)

    return jax.lax.while_loop(unsettled, settle, (jnp.zeros_like(candidates), candidates))[1]
