"""A learning rate that rises and falls once."""

from typing import Annotated, ClassVar

import optax
from pydantic import Field

from ...config.duration import Clock
from .base import ScheduleSettings


class OneCycle(ScheduleSettings):
    """A cosine rise and a cosine fall (Smith and Topin 2017, arXiv:1708.07120), after the warm-up if there is one.

    Attributes:
        rise: share of the cycle that the rise takes.
        start: factor at the beginning.
        final: factor at the end, as a part of `start`.
    """

    after_warmup: ClassVar[bool] = True

    rise: Annotated[float, Field(gt=0, lt=1)]
    start: Annotated[float, Field(gt=0, le=1)]
    final: Annotated[float, Field(gt=0, le=1)]

    def decay(self, clock: Clock) -> optax.Schedule:
        """The whole cycle."""
        steps = max(clock.total_steps or 1, 1)
        rise = max(self.rise, 1 / steps)  # optax leaves a rise of less than one step out
        return optax.cosine_onecycle_schedule(steps, 1.0, rise, 1 / self.start, 1 / self.final)
