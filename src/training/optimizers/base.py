"""What all optimizers have in common; they are built from optax."""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import jax
import optax
from pydantic import Field, NonNegativeFloat, PositiveFloat

from ...config.settings import Settings

Share = Annotated[float, Field(ge=0, lt=1)]


class OptimizerSettings(Settings):
    """Settings of an optimizer.

    Attributes:
        learning_rate: its largest value; the schedule multiplies it.
        weight_decay: strength of the pull towards zero.
        decayed: `all` parameters, as in He et al. and Li et al., or only `kernels`, the tensors of several dimensions.
        clip_norm: gradients of a larger global norm are scaled down to it; null for no limit.
        states_rate: whether `learning_rate` is what updates are multiplied by.
    """

    states_rate: ClassVar[bool] = True

    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    decayed: Literal["all", "kernels"]
    clip_norm: PositiveFloat | None = None

    @abstractmethod
    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """The transformation of gradients into updates, without clipping."""

    def build(self, learning_rate: optax.Schedule) -> optax.GradientTransformationExtraArgs:
        """The whole transformation of gradients into updates."""
        rule = self.rule(learning_rate)
        clipped = optax.chain(optax.clip_by_global_norm(self.clip_norm), rule) if self.clip_norm else rule
        return optax.with_extra_args_support(clipped)

    def decays(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of that shape is decayed."""
        return self.weight_decay > 0 and (self.decayed == "all" or len(shape) > 1)

    def decay_mask(self, parameters: Any) -> Any:
        """Which tensors are decayed, as a tree of booleans."""
        return jax.tree.map(lambda tensor: self.decays(tensor.shape), parameters)

    def coupled_decay(self) -> optax.GradientTransformation:
        """Decay that joins the gradient, as in papers before 2018: the gradient of half the squared weights."""
        return optax.add_decayed_weights(self.weight_decay, self.decay_mask)
