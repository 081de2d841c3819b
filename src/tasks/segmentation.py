"""One class out of several for each pixel."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Shaped
from pydantic import Field

from ..config.errors import UserError
from ..config.settings import added
from ..data.augment import Moves, moved
from ..data.batches import Batch, Targets
from ..data.examples import DataSpec
from ..data.settings import AugmentSettings
from .base import TaskSettings, check_classes
from .metrics import SHARE, Metric, Sums, Values, counts, mean, median

MASK = "mask"
"""The target: the class of every pixel; 0 is the background, which is a class as well."""

HALF = 16
"""Bits."""


class Segmentation(TaskSettings):
    """Softmax and cross-entropy at every pixel; what counts is how much of each class is found.

    Attributes:
        ignored: value of pixels that belong to no class, as on borders between things: they count nowhere, neither in
            the loss nor in metrics, and what comes into sight when images move is ignored as well. None for no such
            value.
    """

    ignored: Annotated[int, Field(ge=0, le=255)] | None = added(None)
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
        """Cross-entropy in nats, the mean over the pixels that count; 0 for an image without any."""
        masks = batch.targets[MASK].astype(int)
        if self.ignored is None:
            return optax.softmax_cross_entropy_with_integer_labels(outputs, masks).mean((1, 2))
        counted = self.counted(masks)
        losses = optax.softmax_cross_entropy_with_integer_labels(outputs, jnp.where(counted, masks, 0))
        return jnp.sum(counted * losses, axis=(1, 2)) / jnp.maximum(counted.sum((1, 2)), 1)

    def counted(self, masks: Int[Array, "b h w"]) -> Bool[Array, "b h w"]:
        """Which pixels are of a class."""
        return jnp.ones_like(masks, bool) if self.ignored is None else masks != self.ignored

    def scores(self, outputs: Float[Array, "b h w classes"], batch: Batch) -> dict[str, Float[Array, "b"]]:
        """Cross-entropy, in nats, and the share of pixels with the right class.

        Where pixels are ignored, the share over all images is no mean of those of each, and is left out.
        """
        loss = {"loss": self.losses(outputs, batch)}
        return loss if self.ignored is not None else {**loss, "accuracy": pixel_accuracies(outputs, batch)}

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """Loss, accuracy of pixels, and the mean over classes of intersection over union.

        In detail also intersection over union weighted by how frequent the classes are, of each class, and of each
        image. All but the last two are of one confusion matrix of all pixels (Long et al. 2015, section 5).
        """
        loss = Metric("loss", self._summed_loss, mean("cross_entropy"), "minimize", "nats")
        if not detailed and self.ignored is None:
            return loss, *FROM_SMALL_SUMS
        of_pixels = partial(Metric, update=self.confusion)
        share = partial(of_pixels, direction="maximize", unit=SHARE)
        plain = (
            loss,
            share("accuracy", compute=lambda sums: pixel_accuracy(pixels_of(sums))),
            share("mean_iou", compute=lambda sums: mean_iou(pixels_of(sums))),
        )
        if not detailed:
            return plain
        return (
            *plain,
            share("frequency_weighted_iou", compute=lambda sums: frequency_weighted_iou(pixels_of(sums))),
            of_pixels("class_iou", compute=lambda sums: class_ious(pixels_of(sums))),
            of_pixels("confusion", compute=lambda sums: pixels_of(sums).tolist()),
            Metric("median_iou", self.image_ious, median("image_iou"), "maximize", SHARE, gathered=True),
        )

    def check(self, spec: DataSpec, augment: AugmentSettings | None) -> None:
        """Refuses masks that cannot be cropped as their images are, too."""
        super().check(spec, augment)
        size, image_size = spec.targets[MASK].shape[:2], spec.shape[:2]
        if augment is not None and augment.crop and size != image_size:
            raise UserError(
                f"data.augment.crop crops masks {size} as images {image_size}; set it to 0 where they differ"
            )

    def check_targets(self, targets: Mapping[str, Shaped[np.ndarray, "n ..."]], spec: DataSpec) -> None:
        """Refuses what is no class for each pixel, unless it is ignored."""
        masks = targets[MASK]
        shown = masks if self.ignored is None else np.where(masks == self.ignored, masks.dtype.type(0), masks)
        check_classes(MASK, shown, ("n", "h", "w"), spec.classes)

    def moved(self, targets: Targets, moves: Moves) -> Targets:
        """Masks move with their images; outside of them is background, or what is ignored."""
        masks = targets[MASK]
        return {**targets, MASK: moved(masks, moves, jnp.full(masks.shape[1:], self.ignored or 0, masks.dtype))}

    def confusion(self, outputs: Float[Array, "b h w classes"], batch: Batch) -> Sums:
        """How many pixels of each class are given to which: `[true, found]`, without those that are ignored.

        Numbers of all pixels of a split may not fit into 32 bits, so they are added in two halves.
        """
        classes, masks = outputs.shape[-1], batch.targets[MASK].astype(int)
        counted = counts(batch)[:, None, None] * self.counted(masks)
        empty = jnp.zeros((classes, classes), jnp.int32)
        pixels = empty.at[jnp.minimum(masks, classes - 1), outputs.argmax(-1)].add(counted)
        return {"confusion_high": pixels >> HALF, "confusion_low": pixels & (2**HALF - 1)}

    def image_ious(self, outputs: Float[Array, "b h w classes"], batch: Batch) -> Sums:
        """Of each image the mean over the classes that are found or there; 0 for an image that is ignored."""
        found, there = by_class(outputs, batch)
        counted = self.counted(batch.targets[MASK].astype(int))[..., None]
        intersection, union = (counted & found & there).sum((1, 2)), (counted & (found | there)).sum((1, 2))
        shares = jnp.where(union > 0, intersection / jnp.maximum(union, 1), 0)
        return {"image_iou": shares.sum(-1) / jnp.maximum((union > 0).sum(-1), 1)}

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


FROM_SMALL_SUMS = (
    Metric("accuracy", correct_pixels, mean("correct"), "maximize", SHARE),
    Metric("mean_iou", overlaps, lambda sums: float(np.nanmean(shares_of(sums))), "maximize", SHARE),
)
"""The same numbers from smaller sums, which the checkpoints of runs have always held."""


def shares_of(sums: Values) -> Float[np.ndarray, "classes"]:
    """Intersection over union of each class; NaN for a class that is neither found nor there."""
    return _over(np.asarray(sums["intersection"], np.float64), np.asarray(sums["union"], np.float64))


def pixels_of(sums: Values) -> Int[np.ndarray, "classes classes"]:
    """The confusion matrix of a split."""
    high, low = (np.asarray(sums[f"confusion_{half}"], np.int64) for half in ("high", "low"))
    return (high << HALF) + low


def pixel_accuracy(pixels: Int[np.ndarray, "classes classes"]) -> float:
    """The share of pixels with the right class."""
    return float(np.trace(pixels) / max(pixels.sum(), 1))


def ious(pixels: Int[np.ndarray, "classes classes"]) -> Float[np.ndarray, "classes"]:
    """Intersection over union of each class; NaN for a class that is neither found nor there."""
    both = np.diagonal(pixels).astype(np.float64)
    return _over(both, pixels.sum(axis=0) + pixels.sum(axis=1) - both)


def mean_iou(pixels: Int[np.ndarray, "classes classes"]) -> float:
    """The mean over the classes that are found or there; 0 if none is."""
    found = ious(pixels)
    return float(np.nanmean(found)) if np.isfinite(found).any() else 0.0


def frequency_weighted_iou(pixels: Int[np.ndarray, "classes classes"]) -> float:
    """The mean over classes, each weighted by its number of pixels."""
    frequencies = pixels.sum(axis=1) / max(pixels.sum(), 1)
    return float(np.sum(frequencies * np.nan_to_num(ious(pixels))))


def class_ious(pixels: Int[np.ndarray, "classes classes"]) -> list[float | None]:
    """Intersection over union of each class as plain numbers; None in place of NaN."""
    return [None if np.isnan(share) else float(share) for share in ious(pixels)]


def _over(part: Float[np.ndarray, "n"], whole: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
