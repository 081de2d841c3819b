"""A learning rate that stays."""

import optax

from ...config.duration import Clock
from .base import ScheduleSettings


class Constant(ScheduleSettings):
    """No decay."""

    def decay(self, clock: Clock) -> optax.Schedule:
        """One, always."""
        return optax.constant_schedule(1.0)
