"""The training loop: it dispatches work, and hands out measurements when they have arrived."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax

from ..data.dataset import SplitName
from ..tasks.base import Sums
from .engine import Engine
from .state import Snapshot


@dataclass(frozen=True)
class Measurement:
    """What is known of a split after some steps.

    Attributes:
        step: number of training steps taken.
        split: `train` (mean over the steps since the last measurement, but the learning rate of the last of them),
            `validation` or `test`.
        values: by name, such as `loss` or `accuracy`.
    """

    step: int
    split: str
    values: dict[str, Any]


class Diverged(Exception):
    """The loss, its gradient or the parameters stopped being finite.

    Attributes:
        step: the step that could not be taken; the state is the one before it.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss, its gradient or a parameter is not finite at step {step}")
        self.step = step


class Training:
    """A run in progress.

    Attributes:
        state: the latest state.
        dispatched: the step that it will be the state of when the device has caught up.
    """

    def __init__(self, engine: Engine, start: Snapshot) -> None:
        self.engine = engine
        self.state, self._sums = start
        self.dispatched = int(start.state.step)
        self._logged = self.dispatched - int(start.sums["steps"])
        self._pending: tuple[int, Sums] | None = None
        self._timed_from, self._timed_at = self.dispatched, time.perf_counter()

    def measurements(self, after_dispatch: Callable[[], None] = lambda: None) -> Iterator[Measurement]:
        """Trains to the end of the plan, giving each measurement when it has arrived.

        The training loss of a step is fetched only when the next step has been dispatched, so that the device never
        waits for the host.

        Args:
            after_dispatch: called after each dispatch and what was measured at its end; a `snapshot` may be taken.

        Raises:
            Diverged: a step was not finite; `state` is the last good one.
        """
        engine, plan = self.engine, self.engine.plan
        order, epoch = None, -1
        for stop in plan.dispatch_boundaries(self.dispatched, engine.steps_per_dispatch):
            current = self.dispatched * plan.clock.batch_size // plan.clock.epoch_examples
            if order is None or current != epoch:
                order, epoch = engine.order(current), current
            self.state, self._sums = engine.advance(self.state, self._sums, order, stop)
            self.dispatched = stop
            yield from self.flush()
            if stop in plan.log:
                self._pending, self._sums = (stop, self._sums), engine.zero_sums()
            if stop in plan.evaluate:
                yield from self.flush()
                if stop not in plan.log and (step := int(jax.device_get(self.state.step))) < stop:
                    raise Diverged(step)  # it stands still, and has no score at this step
                yield from self._evaluated(stop)
            after_dispatch()

    def flush(self) -> Iterator[Measurement]:
        """Waits for the training loss that is still on its way, if one is."""
        if self._pending is None:
            return
        (stop, sums), self._pending = self._pending, None
        values = jax.device_get(sums)
        steps = int(values.pop("steps"))
        if steps < stop - self._logged:
            self._sums = sums
            raise Diverged(self._logged + steps)
        now = time.perf_counter()
        rate = (stop - self._timed_from) * self.engine.plan.clock.batch_size / (now - self._timed_at)
        self._logged = self._timed_from = stop
        self._timed_at = now
        yield Measurement(
            stop,
            "train",
            {
                "objective": float(values.pop("objective")) / steps,
                "learning_rate": float(values.pop("learning_rate")),
                **self.engine.settings.task.summary(values),
                "images_per_second": rate,
            },
        )

    def snapshot(self) -> Snapshot:
        """What the run can go on from; nothing may still be on its way."""
        assert self._pending is None, "settle first: what is on its way would be lost"
        return Snapshot(self.state, self._sums)

    def _evaluated(self, step: int) -> Iterator[Measurement]:
        """Scores the splits that are looked at on the way; the time for it is not counted against training."""
        engine, began = self.engine, time.perf_counter()
        spec, curve = engine.dataset.spec, engine.settings.eval.test_curve
        wanted: dict[SplitName, bool] = {"validation": spec.validation > 0, "test": curve}
        for name in (name for name, want in wanted.items() if want):
            yield Measurement(step, name, engine.evaluate(self.state, name))
        self._timed_at += time.perf_counter() - began
