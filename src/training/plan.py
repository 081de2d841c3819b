"""When things happen in a run, in steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil

from ..config.duration import Clock, Duration
from ..config.errors import UserError
from .settings import RunSettings

LARGEST_POSITION = 2**31


@dataclass(frozen=True)
class Plan:
    """The course of a run.

    Attributes:
        clock: the lengths of a step, an epoch and the run.
        steps: number of training steps.
        log: steps after which the training loss is recorded.
        evaluate: steps after which the validation split is scored.
        save: steps after which a checkpoint is written; the last one alone where checkpoints go by the clock.
        patience: steps without a better validation score after which training ends early, if it may.
    """

    clock: Clock
    steps: int
    log: frozenset[int]
    evaluate: frozenset[int]
    save: frozenset[int]
    patience: int | None = None

    def epoch(self, step: int) -> float:
        """How many times the training split was seen after `step` steps."""
        return step * self.clock.batch_size / self.clock.epoch_examples

    def epoch_number(self, step: int) -> int:
        """The epoch, from 0 on, to which the first example of the batch after `step` steps belongs."""
        return step * self.clock.batch_size // self.clock.epoch_examples

    def dispatch_boundaries(self, start: int, steps_per_dispatch: int) -> Iterator[int]:
        """The step before which each dispatch ends: boundaries depend on the step alone, wherever a run starts.

        A dispatch stays within two epochs, since the device knows the order of so many at a time.
        """
        batch, epoch = self.clock.batch_size, self.clock.epoch_examples
        due = self.log | self.evaluate | self.save
        while start < self.steps:
            known_until = (start * batch // epoch + 2) * epoch // batch
            stop = min((start // steps_per_dispatch + 1) * steps_per_dispatch, self.steps, known_until)
            start = next((step for step in range(start + 1, stop) if step in due), stop)
            yield start


@lru_cache(maxsize=1)
def make_plan(settings: RunSettings, train_examples: int) -> Plan:
    """Works out the steps of a run. A command checks it before using it, so the latest one is kept.

    Raises:
        UserError: a batch is larger than the training split, the duration is a percentage or nothing, or the run is
            longer than an index can count.
    """
    batch = settings.data.batch_size
    if batch > train_examples:
        raise UserError(f"data.batch_size={batch} is more than the {train_examples} training examples")
    whole = Clock(batch, train_examples)
    stated = _steps("train.duration", settings.train.duration, whole)
    limits = [_steps("duration", limit.duration, whole) for limit in settings.limits if limit.duration is not None]
    steps = min([stated, *limits])
    if (steps + 1) * batch >= LARGEST_POSITION:
        raise UserError(f"train.duration={settings.train.duration}: more than {LARGEST_POSITION} examples")
    clock = Clock(batch, train_examples, steps, Fraction(steps, stated))
    for key, duration in settings.schedule.durations().items():
        with _named(f"schedule.{key}", duration):
            duration.steps(clock)
    unscaled = Clock(batch, train_examples, steps)
    return Plan(
        clock,
        steps,
        log=_due("train.log_every", settings.train.log_every, unscaled),
        evaluate=_due("eval.every", settings.eval.every, unscaled),
        save=frozenset([steps])
        if settings.checkpoint.every.seconds is not None
        else _due("checkpoint.every", settings.checkpoint.every, unscaled),
        patience=None
        if settings.train.patience is None
        else _steps("train.patience", settings.train.patience, unscaled),
    )


@contextmanager
def _named(key: str, duration: Duration) -> Iterator[None]:
    """Says which duration it is that makes no sense."""
    try:
        yield
    except ValueError as error:
        raise UserError(f"{key}={duration}: {error}") from None


def _steps(key: str, duration: Duration, clock: Clock) -> int:
    with _named(key, duration):
        steps = duration.steps(clock)
    if steps < 1:
        raise UserError(f"{key}={duration}: should be at least one step")
    return steps


def _due(key: str, every: Duration, clock: Clock) -> frozenset[int]:
    """The steps at which something periodic is due; the last step is always one of them."""
    total = clock.total_steps or 0
    with _named(key, every):
        period = max(every.examples(clock) / clock.batch_size, Fraction(1))
    if not every.amount:
        raise UserError(f"{key}={every}: this would be always; the shortest is 1 step")
    times = (ceil(period * k) for k in range(1, int(total / period) + 1))
    return frozenset([*times, total])
