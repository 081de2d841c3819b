"""The one object of each image: its class, and the box around it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Shaped
from pydantic import Field

from ..config.errors import UserError
from ..data.batches import Batch, image_size
from ..data.boxes import BOX, BOX_LABEL, BOX_PRESENT
from ..data.examples import DataSpec
from ..detection.boxes import in_shares, ious
from .boxed import BoxedSettings
from .intervals import wilson_interval
from .metrics import SHARE, Metric, Sums, Values, counts, mean, median

CLASS = "class"
"""The output beside `box`: logits of the classes."""

ENOUGH = 0.5
"""Overlap with the true box above which an object counts as localised, in ILSVRC and here."""

Outputs = Mapping[str, Float[Array, "b _"]]


class Localisation(BoxedSettings):
    """Cross-entropy of the class and squared error of the box, added (chapter Fig. 58).

    The outputs are `class`, logits, and `box`: the middle of the object, x and y, then its width and height, in shares
    of the width and height of the image.

    Attributes:
        class_weight: of the cross-entropy in the loss.
        box_weight: of the squared error, which is summed over the four numbers.
    """

    class_weight: Annotated[float, Field(ge=0)]
    box_weight: Annotated[float, Field(ge=0)]
    headline: ClassVar[str] = "localised"

    def outputs(self, spec: DataSpec) -> int:
        """One logit for each class; the box is an output of its own."""
        return spec.classes

    def output_shape(self, spec: DataSpec) -> dict[str, tuple[int]]:
        """Logits, and four numbers."""
        return {CLASS: (spec.classes,), BOX: (4,)}

    def predictions(self, outputs: Outputs) -> dict[str, Float[Array, "b _"]]:
        """Probabilities of the classes, and top, left, bottom and right of the box in shares of the image."""
        return {CLASS: jax.nn.softmax(outputs[CLASS]), BOX: jnp.clip(corners(outputs[BOX]), 0, 1)}

    def losses(self, outputs: Outputs, batch: Batch) -> Float[Array, "b"]:
        """The weighted sum; 0 where the object has left the image."""
        own = object_of(batch)
        entropy = optax.softmax_cross_entropy_with_integer_labels(outputs[CLASS], own.label)
        squares = jnp.sum((outputs[BOX] - middles(own.box)) ** 2, axis=-1)
        return jnp.where(own.there, self.class_weight * entropy + self.box_weight * squares, 0)

    def scores(self, outputs: Outputs, batch: Batch) -> dict[str, Float[Array, "b"]]:
        """The loss, whether the class is right, the overlap of the boxes, and whether both are good enough."""
        right, overlap = compared(outputs, batch)
        both = right & (overlap > ENOUGH)
        return {
            "loss": self.losses(outputs, batch),
            "accuracy": right.astype(overlap.dtype),
            "mean_iou": overlap,
            "localised": both.astype(overlap.dtype),
        }

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """Loss, accuracy, mean overlap, and the share of objects with the right class and enough of it."""
        plain = (
            Metric("loss", self._summed_loss, mean("weighted_errors"), "minimize"),
            Metric("accuracy", found, mean("right"), "maximize", SHARE),
            Metric("mean_iou", found, mean("overlap"), "maximize", SHARE),
            Metric("localised", found, mean("both"), "maximize", SHARE),
        )
        if not detailed:
            return plain
        of_boxes = Metric("median_iou", overlap_of_each, median("image_iou"), "maximize", SHARE, gathered=True)
        return (*plain, Metric("localised_interval", found, both_interval), of_boxes)

    def check_targets(self, targets: Mapping[str, Shaped[np.ndarray, "n ..."]], spec: DataSpec) -> None:
        """Refuses what is no class and no box, and images with another number of objects than one."""
        super().check_targets(targets, spec)
        number = targets[BOX_PRESENT].sum(axis=1)
        if (number != 1).any():
            image = int(np.flatnonzero(number != 1)[0])
            raise UserError(
                f"image {image} of a split has {number[image]} boxes, and this task is about the one object of an "
                "image; task=detection is about any number"
            )

    def _summed_loss(self, outputs: Outputs, batch: Batch) -> Sums:
        losses = jnp.where(batch.weights > 0, self.losses(outputs, batch), 0)
        return {"examples": seen(batch).sum(), "weighted_errors": losses.sum()}


class Object(NamedTuple):
    """The object of each image of a batch.

    Attributes:
        label: its class.
        box: top, left, bottom and right in shares of the image.
        there: false where it has left the image.
    """

    label: Int[Array, "b"]
    box: Float[Array, "b 4"]
    there: Bool[Array, "b"]


def object_of(batch: Batch) -> Object:
    """The one box of each image that there is."""
    own, images = batch.targets, jnp.arange(len(batch.weights))
    place = own[BOX_PRESENT].argmax(axis=1)
    box = in_shares(own[BOX], image_size(batch.inputs))[images, place]
    return Object(own[BOX_LABEL][images, place], box, own[BOX_PRESENT].any(axis=1))


def middles(boxes: Float[Array, "b 4"]) -> Float[Array, "b 4"]:
    """Boxes as x and y of their middle, width and height."""
    top, left, bottom, right = jnp.moveaxis(boxes, -1, 0)
    return jnp.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], axis=-1)


def corners(boxes: Float[Array, "b 4"]) -> Float[Array, "b 4"]:
    """The same the other way round: top, left, bottom and right."""
    x, y, width, height = jnp.moveaxis(boxes, -1, 0)
    return jnp.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)


def compared(outputs: Outputs, batch: Batch) -> tuple[Bool[Array, "b"], Float[Array, "b"]]:
    """Whether the class of each object is right, and the overlap of the boxes: intersection over union."""
    own = object_of(batch)
    said = jnp.clip(corners(outputs[BOX]), 0, 1)
    return outputs[CLASS].argmax(axis=-1) == own.label, jnp.asarray(ious(said, own.box))


def seen(batch: Batch) -> Int[Array, "b"]:
    """1 for an example that counts and has its object in the image, else 0."""
    return counts(batch) * batch.targets[BOX_PRESENT].any(axis=1)


def found(outputs: Outputs, batch: Batch) -> Sums:
    """Right classes, overlaps, and objects of which both are good enough, summed."""
    (right, overlap), own = compared(outputs, batch), seen(batch)
    both = right & (overlap > ENOUGH)
    return {
        "examples": own.sum(),
        "right": jnp.sum(own * right),
        "overlap": jnp.sum(own * overlap),
        "both": jnp.sum(own * both),
    }


def overlap_of_each(outputs: Outputs, batch: Batch) -> Sums:
    """The overlap of each image's boxes."""
    return {"image_iou": compared(outputs, batch)[1]}


def both_interval(sums: Values) -> Any:
    """How sure the share of localised objects is."""
    return wilson_interval(int(sums["both"]), int(sums["examples"]))
