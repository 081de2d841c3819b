"""Boxes around things in images: top, left, bottom and right in pixels; the last two are the first ones outside."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from .augment import Moves

BOX, BOX_LABEL, BOX_PRESENT = "box", "box_label", "box_present"
"""Targets: the boxes of an image, the class of what is in each, and which of them there are."""

LEAST_SIDE = 1.0
"""Of a box, in pixels; what is left of a smaller one is nothing."""


def moved_boxes(
    boxes: Num[Array, "b k 4"], present: Bool[Array, "b k"], moves: Moves
) -> tuple[Float[Array, "b k 4"], Bool[Array, "b k"]]:
    """The boxes of images that are moved, and which are still there.

    They are cut at the borders of the image. One of which less than a pixel is left in height or width is there no
    longer, and its place holds zeros.

    Args:
        boxes: of each example, in pixels.
        present: which of them there are.
        moves: of each example.
    """
    edges = boxes.astype(jnp.float32)
    rows, columns = edges[..., 0::2], edges[..., 1::2]
    height, width = moves.size
    if moves.zoom is not None:
        rows, columns = (
            jnp.clip(moves.zoom.to(each.reshape(len(each), -1), side, axis), 0, side).reshape(each.shape)
            for axis, (each, side) in enumerate(((rows, height), (columns, width)))
        )
    if moves.corners is not None:
        offsets = moves.padding - moves.corners[:, None, None]
        rows, columns = (
            jnp.clip(each + offsets[..., axis], 0, side)
            for axis, (each, side) in enumerate(((rows, height), (columns, width)))
        )
    if moves.mirrored is not None:
        columns = jnp.where(moves.mirrored[:, None, None], width - columns[..., ::-1], columns)
    large = (jnp.diff(rows) >= LEAST_SIDE) & (jnp.diff(columns) >= LEAST_SIDE)
    left = present & large[..., 0]
    return jnp.where(left[..., None], jnp.stack([rows, columns], axis=-1).reshape(boxes.shape), 0), left
