"""One class out of several for each image."""

from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from pydantic import Field

from ..data.batches import Batch
from ..data.examples import DataSpec
from .base import Scores, Sums, TaskSettings
from .intervals import wilson_interval
from .metrics import Headline


class Classification(TaskSettings):
    """Softmax and cross-entropy.

    Attributes:
        label_smoothing: part of the target that is spread evenly over all classes (Szegedy et al. 2015); it changes
            what is minimized, never what is reported.
    """

    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    headline: ClassVar[Headline] = Headline("accuracy", "maximize")

    def outputs(self, spec: DataSpec) -> int:
        """One logit for each class."""
        return spec.classes

    def losses(self, outputs: Float[Array, "b classes"], batch: Batch) -> Float[Array, "b"]:
        """Cross-entropy of the mixed and smoothed target, in nats."""
        hard = optax.softmax_cross_entropy_with_integer_labels(outputs, batch.labels)
        if batch.mixing_targets is not None and batch.mixing_weights is not None:
            other = optax.softmax_cross_entropy_with_integer_labels(outputs, batch.mixing_targets)
            hard = batch.mixing_weights * hard + (1 - batch.mixing_weights) * other
        if not self.label_smoothing:
            return hard
        even = -jnp.mean(jax.nn.log_softmax(outputs), axis=-1)
        return (1 - self.label_smoothing) * hard + self.label_smoothing * even

    def scores(self, outputs: Float[Array, "b classes"], batch: Batch) -> Scores:
        """Cross-entropy, in nats, and whether the class is the one with the largest output."""
        correct = (outputs.argmax(axis=-1) == batch.labels).astype(outputs.dtype)
        return Scores(optax.softmax_cross_entropy_with_integer_labels(outputs, batch.labels), correct)

    def sums(self, outputs: Float[Array, "b classes"], batch: Batch, *, detailed: bool) -> Sums:
        """Cross-entropy and hits; in detail also hits among five and the confusion matrix `[true, predicted]`."""
        weights = batch.weights
        counts = weights.astype(jnp.int32)
        predicted = outputs.argmax(axis=-1)
        cross_entropy = optax.softmax_cross_entropy_with_integer_labels(outputs, batch.labels)
        sums = {
            "examples": counts.sum(),
            "cross_entropy": jnp.where(weights > 0, cross_entropy, 0).sum(),
            "correct": jnp.sum(counts * (predicted == batch.labels)),
        }
        if detailed:
            classes = outputs.shape[-1]
            _, five = jax.lax.top_k(outputs, min(5, classes))  # of equal outputs the first, as argmax does
            sums["correct_top5"] = jnp.sum(counts * (five == batch.labels[:, None]).any(axis=-1))
            sums["confusion"] = jnp.zeros((classes, classes), jnp.int32).at[batch.labels, predicted].add(counts)
        return sums

    def summary(self, sums: dict[str, Any]) -> dict[str, Any]:
        """Loss and accuracy; in detail also top-5 and per-class accuracy, a 95 % interval and the confusion matrix."""
        examples, correct = int(sums["examples"]), int(sums["correct"])
        summary: dict[str, Any] = {"loss": float(sums["cross_entropy"]) / examples, "accuracy": correct / examples}
        if "confusion" in sums:
            confusion = np.asarray(sums["confusion"])
            of_class = confusion.sum(axis=1)
            summary["accuracy_interval"] = wilson_interval(correct, examples)
            summary["top5_accuracy"] = int(sums["correct_top5"]) / examples
            summary["class_accuracy"] = [
                hits / count if count else None
                for hits, count in zip(confusion.diagonal().tolist(), of_class.tolist(), strict=True)
            ]
            summary["confusion"] = confusion.tolist()
        return summary
