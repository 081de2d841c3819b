"""Rates for each layer, for large batches."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import PositiveFloat

from ...config.settings import renamed
from .base import OptimizerSettings, Share


class Lars(OptimizerSettings):
    """A learning rate for each layer, for large batches (You et al. 2017, arXiv:1708.03888); kernels only."""

    momentum: Share
    nesterov: bool
    trust_coefficient: PositiveFloat = renamed("trust")

    @property
    def rule_revision(self) -> int:
        """2, since the layer's rate is no longer over the norm of gradient and decay together."""
        return 2

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Momentum of what the learning rate has been applied to; tensors of one dimension take the plain step."""
        return optax.chain(
            optax.stateless(lambda gradients, parameters: jax.tree.map(self._scaled, gradients, parameters)),
            optax.scale_by_learning_rate(learning_rate),
            optax.trace(self.momentum, self.nesterov),
        )

    def _scaled(self, gradient: Array, weights: Array) -> Array:
        """The gradient with its decay, times trust |w| / (|g| + decay |w|); times 1 where that is 0 or 0 / 0."""
        decay = self.weight_decay if self.decays(weights.shape) else 0.0
        if weights.ndim < 2:
            return gradient + decay * weights
        size = jnp.linalg.norm(weights.ravel())
        whole = jnp.linalg.norm(gradient.ravel()) + decay * size
        rate = jnp.where(size * whole == 0, 1.0, self.trust_coefficient * size / jnp.where(whole == 0, 1.0, whole))
        return rate * (gradient + decay * weights)
