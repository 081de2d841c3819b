"""Which of many overlapping boxes are kept: greedy non-maximum suppression of each class, in arrays of fixed size."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .boxes import AnyArray, ious

MOST_PAIRS = 2**25
"""Of boxes of a class, which are compared at once: some of these arrays of bytes are in memory together."""


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
        least: scores at or below it count as no object.
        most: detections of an image at most, the surest ones.
    """
    each = partial(_detections, overlap=overlap, least=least, most=most)
    pairs = scores.shape[-1] * boxes.shape[1] ** 2
    return jax.lax.map(lambda own: each(*own), (boxes, scores), batch_size=max(1, MOST_PAIRS // pairs))


def _detections(
    boxes: Float[Array, "n 4"], scores: Float[Array, "n c"], *, overlap: float, least: float, most: int
) -> Detections:
    alike = ious(boxes[:, None], boxes[None]) > overlap
    left = jax.vmap(partial(kept, alike))(scores.T, (scores > least).T).T
    score, place = jax.lax.top_k(jnp.where(left, scores, 0).ravel(), min(most, scores.size))
    box, label = jnp.divmod(place, scores.shape[-1])
    return Detections(boxes[box], label, score)


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
