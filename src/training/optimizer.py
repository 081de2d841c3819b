"""Optimizers, built from optax."""

from abc import abstractmethod
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float
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
        rate = jnp.where(size * whole == 0, 1.0, self.trust * size / jnp.where(whole == 0, 1.0, whole))
        return rate * (gradient + decay * weights)


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
