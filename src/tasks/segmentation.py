"""One class out of several for each pixel."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Shaped

from ..config.errors import UserError
from ..data.augment import Moves, moved
from ..data.batches import Batch, Targets
from ..data.examples import DataSpec
from ..data.settings import AugmentSettings
from .base import TaskSettings, check_classes
from .metrics import SHARE, Metric, Sums, Values, counts, mean, median

MASK = "mask"
"""The target: the class of every pixel; 0 is the background, which is a class as well."""


class Segmentation(TaskSettings):
    """Softmax and cross-entropy at every pixel; what counts is how much of each class is found."""

    needs: ClassVar[tuple[str, ...]] = (MASK,)
    headline: ClassVar[str] = "mean_iou"

    def outputs(self, spec: DataSpec) -> int:
        """One map of logits for each class."""
        return spec.classes

    def output_shape(self, spec: DataSpec) -> tuple[int, ...]:
        """Logits at every pixel."""
        return (*spec.targets[MASK].shape, spec.classes)

    def predictions(self, outputs: Float[Array, "b h w classes"]) -> Float[Array, "b h w classes"]:
        """Probabilities of the classes of every pixel."""
        return jax.nn.softmax(outputs)

    def losses(self, outputs: Float[Array, "b h w classes"], batch: Batch) -> Float[Array, "b"]:
        """Cross-entropy in nats, the mean over the pixels."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, batch.targets[MASK].astype(int)).mean((1, 2))

    def scores(self, outputs: Float[Array, "b h w classes"], batch: Batch) -> dict[str, Float[Array, "b"]]:
        """Cross-entropy, in nats, and the share of pixels with the right class."""
        return {"loss": self.losses(outputs, batch), "accuracy": pixel_accuracies(outputs, batch)}

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """Loss, accuracy of pixels and intersection over union; in detail also that of each class and each image."""
        plain = (
            Metric("loss", self._summed_loss, mean("cross_entropy"), "minimize", "nats"),
            Metric("accuracy", correct_pixels, mean("correct"), "maximize", SHARE),
            Metric("mean_iou", overlaps, lambda sums: float(np.nanmean(ious(sums))), "maximize", SHARE),
        )
        if not detailed:
            return plain
        of_classes = Metric("class_iou", overlaps, class_ious)
        of_images = Metric("median_iou", image_ious, median("image_iou"), "maximize", SHARE, gathered=True)
        return (*plain, of_classes, of_images)

    def check(self, spec: DataSpec, augment: AugmentSettings | None) -> None:
        """Refuses masks that cannot be cropped as their images are, too."""
        super().check(spec, augment)
        size, image_size = spec.targets[MASK].shape[:2], spec.shape[:2]
        if augment is not None and augment.crop and size != image_size:
            raise UserError(
                f"data.augment.crop crops masks {size} as images {image_size}; set it to 0 where they differ"
            )

    def check_targets(self, targets: Mapping[str, Shaped[np.ndarray, "n ..."]], spec: DataSpec) -> None:
        """Refuses what is no class for each pixel."""
        check_classes(MASK, targets[MASK], ("n", "h", "w"), spec.classes)

    def moved(self, targets: Targets, moves: Moves) -> Targets:
        """Masks are cropped and mirrored with their images; outside of them is background."""
        masks = targets[MASK]
        return {**targets, MASK: moved(masks, moves, jnp.zeros(masks.shape[1:], masks.dtype))}

    def _summed_loss(self, outputs: Float[Array, "b h w classes"], batch: Batch) -> Sums:
        losses = jnp.where(batch.weights > 0, self.losses(outputs, batch), 0)
        return {"examples": counts(batch).sum(), "cross_entropy": losses.sum()}


def by_class(
    outputs: Float[Array, "b h w classes"], batch: Batch
) -> tuple[Bool[Array, "b h w classes"], Bool[Array, "b h w classes"]]:
    """Which pixels are given to each class, and which belong to it."""
    classes = jnp.arange(outputs.shape[-1])
    return outputs.argmax(-1)[..., None] == classes, batch.targets[MASK][..., None] == classes


def pixel_accuracies(outputs: Float[Array, "b h w classes"], batch: Batch) -> Float[Array, "b"]:
    """The share of each image's pixels with the right class."""
    return (outputs.argmax(-1) == batch.targets[MASK]).mean((1, 2))


def correct_pixels(outputs: Float[Array, "b h w classes"], batch: Batch) -> Sums:
    """Shares of right pixels, summed over images."""
    shares = batch.weights * pixel_accuracies(outputs, batch)
    return {"examples": counts(batch).sum(), "correct": shares.sum()}


def overlaps(outputs: Float[Array, "b h w classes"], batch: Batch) -> Sums:
    """Intersection and union of what is found and what is there, for each class, in images."""
    found, there = by_class(outputs, batch)
    weights = batch.weights[:, None]
    return {
        "intersection": jnp.sum(weights * (found & there).mean((1, 2)), axis=0),
        "union": jnp.sum(weights * (found | there).mean((1, 2)), axis=0),
    }


def image_ious(outputs: Float[Array, "b h w classes"], batch: Batch) -> Sums:
    """Of each image the mean over the classes that are found or there."""
    found, there = by_class(outputs, batch)
    intersection, union = (found & there).sum((1, 2)), (found | there).sum((1, 2))
    shares = jnp.where(union > 0, intersection / jnp.maximum(union, 1), 0)
    return {"image_iou": shares.sum(-1) / (union > 0).sum(-1)}


def ious(sums: Values) -> Float[np.ndarray, "classes"]:
    """Intersection over union of each class over a whole split; NaN for a class that is neither found nor there."""
    union = np.asarray(sums["union"], np.float64)
    return np.divide(sums["intersection"], union, out=np.full(len(union), np.nan), where=union > 0)


def class_ious(sums: Values) -> list[float | None]:
    """The same as plain numbers; None in place of NaN."""
    return [None if np.isnan(share) else float(share) for share in ious(sums)]
