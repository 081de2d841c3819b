"""Schedules: the factor on the learning rate as a function of the step."""

from abc import abstractmethod
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array
from pydantic import Field

from src.config.duration import Clock, Duration
from src.config.settings import Settings

Factor = Annotated[float, Field(gt=0)]


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

    def durations(self) -> dict[str, Duration]:
        """Those of the warm-up, and the boundaries."""
        return super().durations() | {f"boundaries.{k}": boundary for k, boundary in enumerate(self.boundaries)}

    def decay(self, clock: Clock) -> optax.Schedule:
        """Piecewise constant."""
        edges = jnp.array([edge.steps(clock) for edge in self.boundaries])
        return lambda step: jnp.power(self.rate, jnp.sum(step >= edges))


class Cosine(ScheduleSettings):
    """Half a cosine from 1 to `final` (Loshchilov and Hutter 2016, arXiv:1608.03983), after the warm-up if any."""

    after_warmup: ClassVar[bool] = True

    final: Annotated[float, Field(ge=0, le=1)]

    def decay(self, clock: Clock) -> optax.Schedule:
        """Cosine annealing."""
        return optax.cosine_decay_schedule(1.0, max(clock.total_steps or 1, 1), alpha=self.final)


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
