"""A learning rate that falls along a cosine."""

from typing import Annotated, ClassVar

import optax
from pydantic import Field

from ...config.duration import Clock
from .base import ScheduleSettings


class Cosine(ScheduleSettings):
    """Half a cosine from 1 to `final` (Loshchilov and Hutter 2016, arXiv:1608.03983), after the warm-up if any."""

    after_warmup: ClassVar[bool] = True

    final: Annotated[float, Field(ge=0, le=1)]

    def decay(self, clock: Clock) -> optax.Schedule:
        """Cosine annealing."""
        return optax.cosine_decay_schedule(1.0, max(clock.total_steps or 1, 1), alpha=self.final)
