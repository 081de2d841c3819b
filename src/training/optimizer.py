"""Optimizers, built from optax."""

from abc import abstractmethod
from typing import Annotated, Any, Literal

import jax
import optax
from pydantic import Field, NonNegativeFloat, PositiveFloat

from src.config.settings import Settings

Share = Annotated[float, Field(ge=0, lt=1)]


class OptimizerSettings(Settings):
    """Settings of an optimizer.

    Attributes:
        learning_rate: its largest value; the schedule multiplies it.
        weight_decay: strength of the pull towards zero.
        decayed: `all` parameters, as in He et al. and Li et al., or only `kernels`, the tensors of several dimensions.
        clip_norm: gradients of a larger global norm are scaled down to it; null for no limit.
    """

    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    decayed: Literal["all", "kernels"]
    clip_norm: PositiveFloat | None

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


class Sgd(OptimizerSettings):
    """Stochastic gradient descent with momentum; decay is added to the gradient before it, as in the papers."""

    momentum: Share
    nesterov: bool

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Coupled decay, then momentum."""
        return optax.chain(self.coupled_decay(), optax.sgd(learning_rate, self.momentum or None, self.nesterov))


class AdamW(OptimizerSettings):
    """Adam with decay beside the gradient, not in it (Loshchilov and Hutter 2017, arXiv:1711.05101)."""

    beta1: Share
    beta2: Share
    epsilon: PositiveFloat

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Decay is multiplied by the learning rate, as in PyTorch."""
        return optax.adamw(
            learning_rate, self.beta1, self.beta2, self.epsilon, weight_decay=self.weight_decay, mask=self.decay_mask
        )


class RmsProp(OptimizerSettings):
    """Gradients over their root mean square (Tieleman and Hinton 2012).

    Epsilon is outside the root, as in tf.keras to 2.10 without momentum; Keras 3 has it inside.
    """

    average: Share
    epsilon: PositiveFloat
    momentum: Share

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Coupled decay, then RMSprop."""
        rmsprop = optax.rmsprop(
            learning_rate, self.average, self.epsilon, eps_in_sqrt=False, momentum=self.momentum or None
        )
        return optax.chain(self.coupled_decay(), rmsprop)


class Lars(OptimizerSettings):
    """A learning rate for each layer, for large batches (You et al. 2017, arXiv:1708.03888); kernels only."""

    momentum: Share
    nesterov: bool
    trust: PositiveFloat

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Tensors of one dimension take the plain step."""
        kernels = lambda parameters: jax.tree.map(lambda tensor: tensor.ndim > 1, parameters)  # noqa: E731
        return optax.lars(
            learning_rate,
            self.weight_decay,
            self.decay_mask,
            trust_coefficient=self.trust,
            trust_ratio_mask=kernels,
            momentum=self.momentum,
            nesterov=self.nesterov,
        )


class Muon(OptimizerSettings):
    """Orthogonalized momentum for kernels, Adam for the rest (Jordan 2024); a filter is a column, as in airbench.

    Differs from Jordan, who leaves embeddings and the last layer to Adam too: they are kernels like all others here,
    since a parameter tree does not say which layer is the last, and optax's Adam beside Muon cannot decay them alone.
    """

    momentum: Share
    adam_learning_rate: PositiveFloat

    def rule(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """Adam follows the same schedule from its own learning rate."""
        return optax.contrib.muon(
            learning_rate,
            beta=self.momentum,
            weight_decay=self.weight_decay,
            weight_decay_mask=self.decay_mask,
            adam_weight_decay=self.weight_decay if self.decayed == "all" else 0.0,
            adam_learning_rate=lambda step: learning_rate(step) * (self.adam_learning_rate / self.learning_rate),
            muon_weight_dimension_numbers=_columns,
        )


def _columns(parameters: Any) -> Any:
    """Which axes of each kernel are its inputs, and which its outputs; nothing for tensors of one dimension."""
    return jax.tree.map(
        lambda tensor: (
            optax.contrib.MuonDimensionNumbers(tuple(range(tensor.ndim - 1)), tensor.ndim - 1)
            if tensor.ndim > 1
            else None
        ),
        parameters,
    )
