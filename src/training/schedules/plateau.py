"""A learning rate that falls when the loss has stopped falling."""

from dataclasses import replace
from fractions import Fraction
from typing import Annotated

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from ...config.duration import Clock, Duration
from .base import ScheduleSettings


class Plateau(ScheduleSettings):
    """A factor whenever the training loss has stopped falling, as the chapter describes the training of ResNets.

    Attributes:
        rate: what the learning rate is multiplied by.
        window: the loss is averaged over so long before it is looked at; it is not shortened with a run.
        patience: so many windows without a new best loss make a plateau.
    """

    rate: Annotated[float, Field(gt=0, lt=1)]
    window: Duration
    patience: Annotated[int, Field(gt=0)]

    def durations(self) -> dict[str, Duration]:
        """Those of the warm-up, and the window."""
        return super().durations() | {"window": self.window}

    def decay(self, clock: Clock) -> optax.Schedule:
        """Nothing that the step alone decides."""
        return optax.constant_schedule(1.0)

    def steered(
        self, optimizer: optax.GradientTransformationExtraArgs, clock: Clock
    ) -> optax.GradientTransformationExtraArgs:
        """Scales the updates by what `optax.contrib.reduce_on_plateau` has come to."""
        plateau = optax.contrib.reduce_on_plateau(
            factor=self.rate,
            patience=self.patience,
            accumulation_size=max(self.window.steps(replace(clock, scale=Fraction(1))), 1),
        )
        return optax.chain(optimizer, plateau)


def steered_scale(optimizer_state: optax.OptState) -> Array:
    """What a steered optimizer multiplies its updates by at present."""
    plateau = optax.contrib.ReduceLROnPlateauState
    parts = jax.tree.leaves(optimizer_state, is_leaf=lambda part: isinstance(part, plateau))
    return jnp.asarray(next((part.scale for part in parts if isinstance(part, plateau)), 1.0))
