"""One class out of several for each image, learnt as a regression: what came before softmax and cross-entropy."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..data.batches import Batch
from .base import Scores, Sums
from .classification import Classification


class SquaredError(Classification):
    """Squared distance to a vector that is 1 at the class and 0 elsewhere; the largest output is the answer.

    The outputs are linear, as in Hui and Belkin 2020 (arXiv:2006.07322), who compare this with cross-entropy. What is
    learnt is the probability of each class, which minimizes the expected distance.
    """

    def losses(self, outputs: Float[Array, "b classes"], batch: Batch) -> Float[Array, "b"]:
        """The distance to the mixed and smoothed target, summed over the classes."""
        classes = outputs.shape[-1]
        target = jax.nn.one_hot(batch.labels, classes)
        if batch.mixing_targets is not None and batch.mixing_weights is not None:
            shares = batch.mixing_weights[:, None]
            target = shares * target + (1 - shares) * jax.nn.one_hot(batch.mixing_targets, classes)
        target = (1 - self.label_smoothing) * target + self.label_smoothing / classes
        return jnp.sum((outputs - target) ** 2, axis=-1)

    def scores(self, outputs: Float[Array, "b classes"], batch: Batch) -> Scores:
        """The distance to the plain target, and what every classification says of a hit."""
        errors = jnp.sum((outputs - jax.nn.one_hot(batch.labels, outputs.shape[-1])) ** 2, axis=-1)
        return super().scores(outputs, batch)._replace(loss=errors)

    def sums(self, outputs: Float[Array, "b classes"], batch: Batch, *, detailed: bool) -> Sums:
        """The distance, and what every classification measures."""
        errors = self.scores(outputs, batch).loss
        own = {"squared_error": jnp.where(batch.weights > 0, errors, 0).sum()}
        return super().sums(outputs, batch, detailed=detailed) | own

    def summary(self, sums: dict[str, Any]) -> dict[str, Any]:
        """As for every classification, but the loss is the squared distance."""
        return super().summary(sums) | {"loss": float(sums["squared_error"]) / int(sums["examples"])}
