"""What all schedules have in common: the factor on the learning rate as a function of the step."""

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import jax.numpy as jnp
import optax
from pydantic import Field

from ...config.duration import Clock, Duration
from ...config.settings import Settings


class WarmupSettings(Settings):
    """A gentler beginning.

    Attributes:
        duration: how long it takes.
        factor: at its beginning, on the factor that the schedule itself begins with (1, but for `OneCycle`).
        shape: `constant` until its end (He et al., depth 110), or a `linear` rise to 1.
    """

    duration: Duration
    factor: Annotated[float, Field(ge=0, le=1)]
    shape: Literal["constant", "linear"]


class ScheduleSettings(Settings):
    """Settings of a schedule, with a warm-up in front or without one.

    Attributes:
        after_warmup: whether the schedule takes the steps that a warm-up leaves; else it runs underneath.
    """

    after_warmup: ClassVar[bool] = False

    warmup: WarmupSettings | None

    @property
    def rule_revision(self) -> int:
        """2 where a decay once ran underneath a warm-up and now follows it."""
        return 2 if self.after_warmup and self.warmup else 1

    def durations(self) -> dict[str, Duration]:
        """All that it states, by their keys in it."""
        return {} if self.warmup is None else {"warmup.duration": self.warmup.duration}

    @abstractmethod
    def decay(self, clock: Clock) -> optax.Schedule:
        """The factor without warm-up, over `clock.total_steps` steps."""

    def steered(
        self, optimizer: optax.GradientTransformationExtraArgs, clock: Clock
    ) -> optax.GradientTransformationExtraArgs:
        """The optimizer, with whatever the schedule does that depends on the loss and not only on the step."""
        return optimizer

    def factor(self, clock: Clock) -> optax.Schedule:
        """The factor on the learning rate at each step."""
        if self.warmup is None:
            return self.decay(clock)
        steps, start = self.warmup.duration.steps(clock), self.warmup.factor
        rise = 0.0 if self.warmup.shape == "constant" else (1 - start) / max(steps, 1)
        if not self.after_warmup:
            decay = self.decay(clock)
            return lambda step: jnp.where(step < steps, start + rise * step, decay(step))
        rest = self.decay(replace(clock, total_steps=(clock.total_steps or 0) - steps))
        return lambda step: rest(jnp.maximum(step - steps, 0)) * jnp.where(step < steps, start + rise * step, 1)
