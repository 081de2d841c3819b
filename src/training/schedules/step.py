"""A learning rate that falls in steps."""

from typing import Annotated

import jax.numpy as jnp
import optax
from pydantic import Field

from ...config.duration import Clock, Duration
from .base import ScheduleSettings


class Step(ScheduleSettings):
    """A factor at each of several boundaries.

    Attributes:
        boundaries: where; percentages of the run keep their place when it is shortened.
        rate: what the learning rate is multiplied by at each.
    """

    boundaries: list[Duration]
    rate: Annotated[float, Field(gt=0)]

    def durations(self) -> dict[str, Duration]:
        """Those of the warm-up, and the boundaries."""
        return super().durations() | {f"boundaries.{k}": boundary for k, boundary in enumerate(self.boundaries)}

    def decay(self, clock: Clock) -> optax.Schedule:
        """Piecewise constant."""
        edges = jnp.array([edge.steps(clock) for edge in self.boundaries])
        return lambda step: jnp.power(self.rate, jnp.sum(step >= edges))
