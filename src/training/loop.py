"""The training loop: it dispatches work, and hands out measurements when they have arrived."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax

from src.tasks.base import Sums
from src.training.engine import Engine
from src.training.state import TrainState


@dataclass(frozen=True)
class Measurement:
    """What is known of a split after some steps.

    Attributes:
        step: number of training steps taken.
        split: `train` (mean over the steps since the last measurement), `validation` or `test`.
        values: by the names of the field.
    """

    step: int
    split: str
    values: dict[str, Any]


class Diverged(Exception):
    """The loss or its gradient stopped being finite.

    Attributes:
        step: the step that could not be taken; the state is the one before it.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss or its gradient is not finite at step {step}")
        self.step = step


class Training:
    """A run in progress.

    Attributes:
        state: the latest state.
        dispatched: the step that it will be the state of when the device has caught up.

    `on_dispatch` is told of every dispatch, without waiting for its result.
    """

    def __init__(self, engine: Engine, state: TrainState, on_dispatch: Callable[[int], None]) -> None:
        self.engine, self.state = engine, state
        self.dispatched = int(state.step)
        self._on_dispatch = on_dispatch

    def measurements(self) -> Iterator[Measurement]:
        """Trains to the end of the plan, giving each measurement when it has arrived.

        The training loss of a step is fetched only when the next step has been dispatched, so that the device never
        waits for the host.

        Raises:
            Diverged: a step was not finite; `state` is the last good one.
        """
        engine, plan = self.engine, self.engine.plan
        sums = engine.zero_sums()
        pending: tuple[int, int, Sums] | None = None
        order, epoch = None, -1
        logged_step, self._logged_at = self.dispatched, time.perf_counter()
        for stop in plan.stops(self.dispatched, engine.steps_per_dispatch):
            current = self.dispatched * plan.clock.batch_size // plan.clock.epoch_examples
            if order is None or current != epoch:
                order, epoch = engine.order(current), current
            self.state, sums = engine.advance(self.state, sums, order, stop)
            self.dispatched = stop
            self._on_dispatch(stop)
            if pending:
                yield self._logged(*pending)
                pending = None
            if stop in plan.log:
                pending, logged_step, sums = (logged_step, stop, sums), stop, engine.zero_sums()
            if stop in plan.evaluate:
                if pending:
                    yield self._logged(*pending)
                    pending = None
                began = time.perf_counter()
                yield from self._evaluated(stop)
                self._logged_at += time.perf_counter() - began

    def _logged(self, start: int, stop: int, sums: Sums) -> Measurement:
        """Fetches the sums of the steps from `start` to `stop`."""
        values = jax.device_get(sums)
        steps = int(values.pop("steps"))
        if steps < stop - start:
            raise Diverged(start + steps)
        now = time.perf_counter()
        learning_rate = float(values.pop("learning_rate")) / steps
        rate = (stop - start) * self.engine.plan.clock.batch_size / (now - self._logged_at)
        self._logged_at = now
        return Measurement(
            stop,
            "train",
            {
                "objective": float(values.pop("objective")) / steps,
                **self.engine.settings.task.summary(values),
                "learning_rate": learning_rate,
                "images_per_second": rate,
            },
        )

    def _evaluated(self, step: int) -> Iterator[Measurement]:
        """Scores the splits that are looked at on the way."""
        engine = self.engine
        wanted = {"validation": engine.dataset.spec.validation > 0, "test": engine.settings.eval.test_curve}
        for name in (name for name, want in wanted.items() if want):
            yield Measurement(step, name, engine.evaluate(self.state, engine.split(name)))
