"""Orthogonalized momentum."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float
from pydantic import PositiveFloat

from .base import OptimizerSettings, Share


class Muon(OptimizerSettings):
    """Orthogonalized momentum for kernels, Adam for the rest (Jordan 2024, github.com/KellerJordan/Muon, `muon.py`).

    Momentum is Nesterov's without bias correction, Adam that of Kingma and Ba 2014 with their constants (.9, .999,
    1e-8); both decay weights beside the gradient. A filter is a column. Differs from Jordan, who leaves embeddings and
    the last layer to Adam too: they are kernels like all others here, since a parameter tree does not say which layer
    is the last. He orthogonalizes in bfloat16.
    """

    momentum: Share
    adam_learning_rate: PositiveFloat

    @property
    def rule_revision(self) -> int:
        """2, since the rest got Adam with Nesterov's momentum, and the momentum of kernels a bias correction."""
        return 2

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Adam follows the same schedule from its own learning rate."""
        muon = optax.chain(
            optax.trace(self.momentum, nesterov=True),
            optax.stateless(lambda momenta, _: jax.tree.map(orthogonalized, momenta)),
            optax.add_decayed_weights(self.weight_decay, self.decay_mask),
            optax.scale_by_learning_rate(learning_rate),
        )
        adam = optax.adamw(
            lambda step: learning_rate(step) * (self.adam_learning_rate / self.learning_rate),
            weight_decay=self.weight_decay,
            mask=self.decay_mask,
        )
        return optax.partition(
            {"muon": muon, "adam": adam},
            lambda parameters: jax.tree.map(lambda tensor: "muon" if tensor.ndim > 1 else "adam", parameters),
        )


def orthogonalized(momentum: Float[Array, "*inputs outputs"]) -> Float[Array, "*inputs outputs"]:
    """The momentum of a kernel with singular values near 1, by five of Jordan's steps of Newton and Schulz.

    A matrix with more outputs than inputs is scaled up by the root of their ratio; his code does not do so for filters.
    """
    columns = momentum.reshape(-1, momentum.shape[-1])
    wide = columns if columns.shape[0] <= columns.shape[1] else columns.T
    wide /= jnp.linalg.norm(wide) + 1e-7
    for _ in range(5):
        gram = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * gram + 2.0315 * gram @ gram) @ wide
    inputs, outputs = columns.shape
    scale = max(1.0, outputs / inputs) ** 0.5 if momentum.ndim == 2 else 1.0
    return scale * (wide if inputs <= outputs else wide.T).reshape(momentum.shape)
