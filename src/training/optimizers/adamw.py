"""Adam with decoupled weight decay."""

import optax
from pydantic import PositiveFloat

from .base import OptimizerSettings, Share


class AdamW(OptimizerSettings):
    """Adam with decay beside the gradient, not in it (Loshchilov and Hutter 2017, arXiv:1711.05101)."""

    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: PositiveFloat = 1e-8

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Decay is multiplied by the learning rate, as in PyTorch."""
        return optax.adamw(
            learning_rate, self.beta1, self.beta2, self.epsilon, weight_decay=self.weight_decay, mask=self.decay_mask
        )
