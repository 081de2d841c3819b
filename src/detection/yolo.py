"""Objects in one pass: what each cell of a grid says, what it should say, and the loss between them.

Redmon, Divvala, Girshick, Farhadi: You Only Look Once (arXiv:1506.02640). Boxes are in shares of the image here.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Integer, Num

from .boxes import ious

VALUES = 5
"""Of a predicted box: x and y of its centre within the cell, the square roots of its width and height, confidence."""


class Cells(NamedTuple):
    """The outputs of a network, taken apart: every cell has several boxes, and one vector of classes.

    Attributes:
        place: x and y of the centre from the cell's corner on, in cells; the square roots of width and height.
        confidence: that there is an object, times the overlap of the box with it.
        classes: probability of each class if there is an object; linear, as published.
    """

    place: Float[Array, "b s s n 4"]
    confidence: Float[Array, "b s s n"]
    classes: Float[Array, "b s s c"]


class Assigned(NamedTuple):
    """What the cells should say.

    Attributes:
        there: whether an object has its centre in the cell.
        place: of its box, as in `Cells`.
        label: its class.
    """

    there: Bool[Array, "b s s"]
    place: Float[Array, "b s s 4"]
    label: Integer[Array, "b s s"]


class Weights(NamedTuple):
    """Of the parts of the loss: λ_coord and λ_noobj; the others have the weight 1."""

    place: float
    no_object: float


def parted(outputs: Float[Array, "b s s v"], boxes: int) -> Cells:
    """Takes outputs apart: `VALUES` for each of so many boxes, then the classes."""
    own = outputs[..., : boxes * VALUES].reshape(*outputs.shape[:3], boxes, VALUES)
    return Cells(own[..., :4], own[..., 4], outputs[..., boxes * VALUES :])


def corners(place: Float[Array, "b s s n 4"]) -> Float[Array, "b s s n 4"]:
    """The boxes that cells speak of: top, left, bottom, right in shares of the image."""
    grid = place.shape[1]
    rows, columns = jnp.arange(grid)[:, None, None], jnp.arange(grid)[None, :, None]
    x, y = (place[..., 0] + columns) / grid, (place[..., 1] + rows) / grid
    width, height = place[..., 2] ** 2, place[..., 3] ** 2
    return jnp.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)


def assigned(
    boxes: Num[Array, "b k 4"], labels: Integer[Array, "b k"], present: Bool[Array, "b k"], grid: int
) -> Assigned:
    """Gives every object to the cell that holds its centre; of several in one cell, the first stays."""
    return jax.vmap(partial(_assigned, grid=grid))(boxes, labels, present)


def _assigned(
    boxes: Num[Array, "k 4"], labels: Integer[Array, "k"], present: Bool[Array, "k"], *, grid: int
) -> Assigned:
    """The same for one image."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 * grid
    cell = jnp.clip(jnp.floor(middle), 0, grid - 1)
    y, x = (middle - cell).T
    height, width = jnp.maximum(boxes[:, 2:] - boxes[:, :2], 0).T
    place = jnp.stack([x, y, jnp.sqrt(width), jnp.sqrt(height)], axis=-1)
    number = (cell[:, 0] * grid + cell[:, 1]).astype(int)
    own = (number == jnp.arange(grid * grid)[:, None]) & present
    first = own.argmax(axis=1)
    there, place, label = own.any(axis=1), place[first], labels[first]
    return Assigned(there.reshape(grid, grid), place.reshape(grid, grid, 4), label.reshape(grid, grid))


def responsible(
    found: Float[Array, "b s s n 4"], overlap: Float[Array, "b s s n"], true: Float[Array, "b s s 1 4"]
) -> Bool[Array, "b s s n"]:
    """Which box of each cell answers for its object: the one that overlaps it most.

    Where none overlaps it, the one whose corners are nearest; without that rule the first of them would always be.
    """
    nearest = jnp.square(found - true).sum(-1).argmin(-1)
    best = jnp.where(overlap.max(-1) > 0, overlap.argmax(-1), nearest)
    return best[..., None] == jnp.arange(overlap.shape[-1])


def losses(outputs: Float[Array, "b s s v"], targets: Assigned, boxes: int, weights: Weights) -> Float[Array, "b"]:
    """The loss of each image (the paper's equation 3).

    Args:
        outputs: of the network.
        targets: what the cells should say.
        boxes: that each cell has.
        weights: of the parts.
    """
    cells = parted(outputs, boxes)
    true = corners(targets.place[..., None, :])
    found = jax.lax.stop_gradient(corners(cells.place))
    overlap = ious(found, true)
    own = responsible(found, overlap, true) & targets.there[..., None]
    place = own * jnp.square(cells.place - targets.place[..., None, :]).sum(-1)
    seen = own * jnp.square(cells.confidence - overlap)
    unseen = ~own * jnp.square(cells.confidence)
    classes = jnp.square(cells.classes - jax.nn.one_hot(targets.label, cells.classes.shape[-1])).sum(-1)
    of_boxes = (weights.place * place + seen + weights.no_object * unseen).sum((1, 2, 3))
    return of_boxes + (targets.there * classes).sum((1, 2))


def decoded(outputs: Float[Array, "b s s v"], boxes: int) -> tuple[Float[Array, "b n 4"], Float[Array, "b n c"]]:
    """All boxes, cut off at the edges of the image, and the scores of their classes: p(class | object) x confidence."""
    cells = parted(outputs, boxes)
    scores = cells.confidence[..., None] * cells.classes[..., None, :]
    places = corners(cells.place).clip(0, 1)
    return places.reshape(len(outputs), -1, 4), scores.reshape(len(outputs), -1, scores.shape[-1])
