"""Stochastic gradient descent."""

import optax

from .base import OptimizerSettings, Share


class Sgd(OptimizerSettings):
    """Stochastic gradient descent with momentum; decay is added to the gradient before it, as in the papers."""

    momentum: Share
    nesterov: bool

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Coupled decay, then momentum."""
        return optax.chain(self.coupled_decay(), optax.sgd(learning_rate, self.momentum or None, self.nesterov))
