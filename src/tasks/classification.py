"""One class out of several for each example."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Shaped
from pydantic import Field

from ..data.batches import Batch, Targets
from ..data.examples import LABEL, DataSpec
from .base import TaskSettings, check_classes
from .intervals import wilson_interval
from .metrics import SHARE, Metric, Sums, Values, counts, mean

MIXED_LABEL, OWN_WEIGHT = "mixed_label", "own_weight"
"""Of a mixture of two images: the class of the second, and the weight of the first."""

TOP = 5


class Classification(TaskSettings):
    """Softmax and cross-entropy.

    Attributes:
        label_smoothing: part of the target that is spread evenly over all classes (Szegedy et al. 2015); it changes
            what is minimized, never what is reported.
    """

    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    needs: ClassVar[tuple[str, ...]] = (LABEL,)
    headline: ClassVar[str] = "accuracy"
    mixes: ClassVar[bool] = True

    def outputs(self, spec: DataSpec) -> int:
        """One logit for each class."""
        return spec.classes

    def output_shape(self, spec: DataSpec) -> tuple[int]:
        """A vector of logits."""
        return (spec.classes,)

    def predictions(self, outputs: Float[Array, "b classes"]) -> Float[Array, "b classes"]:
        """Probabilities of the classes."""
        return jax.nn.softmax(outputs)

    def losses(self, outputs: Float[Array, "b classes"], batch: Batch) -> Float[Array, "b"]:
        """Cross-entropy of the mixed and smoothed target, in nats."""
        targets = batch.targets
        hard = optax.softmax_cross_entropy_with_integer_labels(outputs, targets[LABEL])
        if MIXED_LABEL in targets:
            other = optax.softmax_cross_entropy_with_integer_labels(outputs, targets[MIXED_LABEL])
            hard = targets[OWN_WEIGHT] * hard + (1 - targets[OWN_WEIGHT]) * other
        if not self.label_smoothing:
            return hard
        even = -jnp.mean(jax.nn.log_softmax(outputs), axis=-1)
        return (1 - self.label_smoothing) * hard + self.label_smoothing * even

    def scores(self, outputs: Float[Array, "b classes"], batch: Batch) -> dict[str, Float[Array, "b"]]:
        """Cross-entropy, in nats, and whether the class is the one with the largest output."""
        correct = (outputs.argmax(axis=-1) == batch.targets[LABEL]).astype(outputs.dtype)
        return {"loss": cross_entropy(outputs, batch), "accuracy": correct}

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """Loss and accuracy; in detail also top-5 and per-class accuracy, a 95 % interval and the confusion matrix."""
        loss = Metric("loss", summed_loss, mean("cross_entropy"), "minimize", "nats")
        accuracy = Metric("accuracy", correct, mean("correct"), "maximize", SHARE)
        if not detailed:
            return loss, accuracy
        return (
            loss,
            accuracy,
            Metric(
                "accuracy_interval", correct, lambda sums: wilson_interval(int(sums["correct"]), int(sums["examples"]))
            ),
            Metric("top5_accuracy", correct_top5, mean("correct_top5"), "maximize", SHARE),
            Metric("class_accuracy", confusion, class_accuracy),
            Metric("confusion", confusion, lambda sums: np.asarray(sums["confusion"]).tolist()),
        )

    def mixed(self, targets: Targets, others: Targets, weights: Float[Array, "b"]) -> Targets:
        """Both classes, and the weight of the first."""
        return {**targets, MIXED_LABEL: others[LABEL], OWN_WEIGHT: weights}

    def check_targets(self, targets: Mapping[str, Shaped[np.ndarray, "n ..."]], spec: DataSpec) -> None:
        """Refuses what is no class for each example."""
        check_classes(LABEL, targets[LABEL], ("n",), spec.classes)

    def captions(self, targets: Targets, spec: DataSpec) -> list[str]:
        """The names of the classes, of both where two images are mixed."""
        labels = [np.asarray(targets[name]) for name in (LABEL, MIXED_LABEL) if name in targets]
        names = [[spec.class_names[label] for label in each] for each in labels]
        return [" + ".join(dict.fromkeys(each)) for each in zip(*names, strict=True)]


def cross_entropy(outputs: Float[Array, "b classes"], batch: Batch) -> Float[Array, "b"]:
    """Cross-entropy of each example itself, in nats."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs, batch.targets[LABEL])


def summed_loss(outputs: Float[Array, "b classes"], batch: Batch) -> Sums:
    """The cross-entropy of a batch."""
    losses = cross_entropy(outputs, batch)
    return {"examples": counts(batch).sum(), "cross_entropy": jnp.where(batch.weights > 0, losses, 0).sum()}


def correct(outputs: Float[Array, "b classes"], batch: Batch) -> Sums:
    """How many classes are the one with the largest output."""
    hits = outputs.argmax(axis=-1) == batch.targets[LABEL]
    return {"examples": counts(batch).sum(), "correct": jnp.sum(counts(batch) * hits)}


def correct_top5(outputs: Float[Array, "b classes"], batch: Batch) -> Sums:
    """How many classes are among the five with the largest outputs; of equal outputs the first, as argmax does."""
    _, five = jax.lax.top_k(outputs, min(TOP, outputs.shape[-1]))
    hits = (five == batch.targets[LABEL][:, None]).any(axis=-1)
    return {"examples": counts(batch).sum(), "correct_top5": jnp.sum(counts(batch) * hits)}


def confusion(outputs: Float[Array, "b classes"], batch: Batch) -> Sums:
    """The confusion matrix `[true, predicted]`."""
    classes = outputs.shape[-1]
    empty = jnp.zeros((classes, classes), jnp.int32)
    return {"confusion": empty.at[batch.targets[LABEL], outputs.argmax(axis=-1)].add(counts(batch))}


def class_accuracy(sums: Values) -> list[Any]:
    """The accuracy of each class; None for one without examples."""
    found = np.asarray(sums["confusion"])
    pairs = zip(found.diagonal().tolist(), found.sum(axis=1).tolist(), strict=True)
    return [hits / count if count else None for hits, count in pairs]
