"""One class out of several for each example, learnt as a regression: what came before softmax and cross-entropy."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..data.batches import Batch
from ..data.examples import LABEL
from .classification import MIXED_LABEL, OWN_WEIGHT, Classification, summed_loss
from .metrics import Metric, Sums, mean


class SquaredError(Classification):
    """Squared distance to a vector that is 1 at the class and 0 elsewhere; the largest output is the answer.

    The outputs are linear, as in Hui and Belkin 2020 (arXiv:2006.07322), who compare this with cross-entropy. What is
    learnt is the probability of each class, which minimizes the expected distance.
    """

    def predictions(self, outputs: Float[Array, "b classes"]) -> Float[Array, "b classes"]:
        """The outputs, which estimate the probabilities themselves."""
        return outputs

    def losses(self, outputs: Float[Array, "b classes"], batch: Batch) -> Float[Array, "b"]:
        """The distance to the mixed and smoothed target, summed over the classes."""
        classes, targets = outputs.shape[-1], batch.targets
        target = jax.nn.one_hot(targets[LABEL], classes)
        if MIXED_LABEL in targets:
            weights = targets[OWN_WEIGHT][:, None]
            target = weights * target + (1 - weights) * jax.nn.one_hot(targets[MIXED_LABEL], classes)
        target = (1 - self.label_smoothing) * target + self.label_smoothing / classes
        return jnp.sum((outputs - target) ** 2, axis=-1)

    def scores(self, outputs: Float[Array, "b classes"], batch: Batch) -> dict[str, Float[Array, "b"]]:
        """The distance to the plain target, and whether the class is the one with the largest output."""
        return super().scores(outputs, batch) | {"loss": distances(outputs, batch)}

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        """As for every classification, but the loss is the squared distance."""
        loss = Metric("loss", summed_distance, mean("squared_error"), "minimize")
        return [loss if metric.name == "loss" else metric for metric in super().metrics(detailed=detailed)]


def distances(outputs: Float[Array, "b classes"], batch: Batch) -> Float[Array, "b"]:
    """The squared distance of each example's outputs to its class."""
    return jnp.sum((outputs - jax.nn.one_hot(batch.targets[LABEL], outputs.shape[-1])) ** 2, axis=-1)


def summed_distance(outputs: Float[Array, "b classes"], batch: Batch) -> Sums:
    """The squared distance of a batch, beside its cross-entropy."""
    summed = jnp.where(batch.weights > 0, distances(outputs, batch), 0).sum()
    return summed_loss(outputs, batch) | {"squared_error": summed}  # checkpoints have always held both
