"""Schedules: the factor on the learning rate as a function of the step."""

from abc import abstractmethod
from typing import Annotated, Literal

import jax.numpy as jnp
import optax
from pydantic import Field

from src.config.duration import Clock, Duration
from src.config.settings import Settings

Factor = Annotated[float, Field(gt=0)]


class WarmupSettings(Settings):
    """A gentler beginning.

    Attributes:
        duration: how long it takes.
        factor: what the learning rate is multiplied by at its beginning.
        shape: `constant` until its end (He et al., depth 110), or a `linear` rise to 1.
    """

    duration: Duration
    factor: Annotated[float, Field(ge=0, le=1)]
    shape: Literal["constant", "linear"]


class ScheduleSettings(Settings):
    """Settings of a schedule, with a warm-up in front or without one."""

    warmup: WarmupSettings | None

    @abstractmethod
    def decay(self, clock: Clock) -> optax.Schedule:
        """The factor without warm-up, for a run of `clock.total_steps` steps."""

    def factor(self, clock: Clock) -> optax.Schedule:
        """The factor on the learning rate at each step."""
        decay = self.decay(clock)
        if self.warmup is None:
            return decay
        steps, start = self.warmup.duration.steps(clock), self.warmup.factor
        rise = 0.0 if self.warmup.shape == "constant" else (1 - start) / max(steps, 1)
        return lambda step: jnp.where(step < steps, start + rise * step, decay(step))


class Constant(ScheduleSettings):
    """No decay."""

    def decay(self, clock: Clock) -> optax.Schedule:
        """One, always."""
        return optax.constant_schedule(1.0)


class Step(ScheduleSettings):
    """A factor at each of several boundaries.

    Attributes:
        boundaries: where; percentages of the run keep their place when it is shortened.
        rate: what the learning rate is multiplied by at each.
    """

    boundaries: list[Duration]
    rate: Factor

    def decay(self, clock: Clock) -> optax.Schedule:
        """Piecewise constant."""
        edges = jnp.array([edge.steps(clock) for edge in self.boundaries])
        return lambda step: jnp.power(self.rate, jnp.sum(step >= edges))


class Cosine(ScheduleSettings):
    """Half a cosine from 1 to `final` (Loshchilov and Hutter 2016, arXiv:1608.03983)."""

    final: Annotated[float, Field(ge=0, le=1)]

    def decay(self, clock: Clock) -> optax.Schedule:
        """Cosine annealing over the whole run."""
        return optax.cosine_decay_schedule(1.0, max(clock.total_steps or 1, 1), alpha=self.final)
