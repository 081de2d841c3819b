"""Optimizers, built from optax."""

from abc import abstractmethod
from typing import Annotated, Any, Literal

import jax
import optax
from pydantic import Field

from src.config.settings import Settings

NonNegative = Annotated[float, Field(ge=0)]


class OptimizerSettings(Settings):
    """Settings of an optimizer.

    Attributes:
        learning_rate: its largest value; the schedule multiplies it.
        weight_decay: strength of the pull towards zero.
        decayed: `all` parameters, as in He et al. and Li et al., or only `kernels`, the tensors of several dimensions.
    """

    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: NonNegative
    decayed: Literal["all", "kernels"]

    @abstractmethod
    def build(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """The transformation of gradients into updates."""

    def decay_mask(self, parameters: Any) -> Any:
        """Which tensors are decayed, as a tree of booleans."""
        return jax.tree.map(lambda tensor: self.decayed == "all" or tensor.ndim > 1, parameters)


class Sgd(OptimizerSettings):
    """Stochastic gradient descent with momentum; decay is added to the gradient before it, as in the papers."""

    momentum: Annotated[float, Field(ge=0, lt=1)]
    nesterov: bool

    def build(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Coupled decay, then momentum."""
        return optax.chain(
            optax.add_decayed_weights(self.weight_decay, self.decay_mask),
            optax.sgd(learning_rate, self.momentum or None, self.nesterov),
        )
