"""RMSprop."""

import optax
from pydantic import PositiveFloat

from ...config.settings import renamed
from .base import OptimizerSettings, Share


class RmsProp(OptimizerSettings):
    """Gradients over their root mean square (Tieleman and Hinton 2012).

    Epsilon is outside the root, as in tf.keras to 2.10 without momentum; Keras 3 has it inside.
    """

    decay: Share = renamed("average")
    epsilon: PositiveFloat
    momentum: Share

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Coupled decay, then RMSprop."""
        rmsprop = optax.rmsprop(
            learning_rate, self.decay, self.epsilon, eps_in_sqrt=False, momentum=self.momentum or None
        )
        return optax.chain(self.coupled_decay(), rmsprop)
