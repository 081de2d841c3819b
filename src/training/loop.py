"""The training loop: take steps, record, evaluate, save, stop if asked."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax

from ..data.dataset import SplitName
from ..tasks.metrics import Sums
from ..tracking.sinks import Row, Sink
from .best import Best
from .checkpoints import Checkpoints
from .engine import Engine
from .interruption import Interrupted, Interruption
from .state import Snapshot, TrainState

OnEvaluation = Callable[[Row], None]
UNSPLIT = ("learning_rate", "images_per_second")
"""Measurements that belong to no split."""


class Diverged(Exception):
    """The loss, its gradient or the parameters stopped being finite.

    Attributes:
        step: the step that could not be taken; the state is the one before it.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss, its gradient or a parameter is not finite at step {step}")
        self.step = step


class Loop:
    """One run, from a snapshot to the end of its plan.

    Attributes:
        state: the latest state; the device may still be computing it.
        step: the step of that state.
    """

    def __init__(
        self,
        engine: Engine,
        start: Snapshot,
        *,
        sink: Sink | None = None,
        checkpoints: Checkpoints | None = None,
        interruption: Interruption | None = None,
        rows: Sequence[Row] = (),
        on_evaluation: OnEvaluation = lambda row: None,
    ) -> None:
        """Prepares.

        Args:
            engine: of the run.
            start: where the run is.
            sink: receives every measurement.
            checkpoints: where the run is saved; nowhere without.
            interruption: a wish to stop, granted between two dispatches.
            rows: measurements of the run so far.
            on_evaluation: called with every score on the validation split; what it raises ends the run.
        """
        self._engine, self._sink, self._checkpoints = engine, sink or Sink(), checkpoints
        self._interruption, self._on_evaluation = interruption or Interruption(), on_evaluation
        self.state, self._sums = start
        self.step = int(start.state.step)
        self._epoch = engine.plan.epoch_number(self.step)
        self._order = engine.order(self._epoch)
        self._pending: tuple[int, Sums] | None = None
        self._logged = self.step - int(start.sums["steps"])
        self._best = Best(engine.settings.task.headline_metric, rows)
        self._began = time.perf_counter() - (rows[-1]["seconds"] if rows else 0.0)
        self._saved_at = time.perf_counter()
        self._throughput = Throughput(self.step, engine.plan.clock.batch_size)

    @property
    def seconds(self) -> float:
        """How long training has taken, without the time between an interruption and the next start."""
        return time.perf_counter() - self._began

    def run(self) -> TrainState:
        """Trains to the end of the plan, or until the validation score has not improved for `train.patience`.

        The sums of a dispatch are fetched only when the next one is on its way, so the device never waits for the host.

        Returns:
            The final state, which is saved.

        Raises:
            Interrupted: the process was asked to stop; the run is saved.
            Diverged: the loss stopped being finite; the last good state is saved.
            UserError: a checkpoint or the history cannot be written.
        """
        engine, plan = self._engine, self._engine.plan
        try:
            for stop in plan.dispatch_boundaries(self.step, engine.steps_per_dispatch):
                if self._out_of_patience():
                    break
                self._advance(stop)
                self._record_training()
                if stop in plan.log:
                    self._pending, self._sums = (stop, self._sums), engine.zero_sums()
                if stop in plan.evaluate:
                    self._evaluate()
                asked = self._interruption.signal
                if asked is not None or self._save_is_due():
                    self._save()
                self._on_checkpoint()
                if asked is not None:
                    raise Interrupted(asked)
        except Diverged:
            self._save()
            raise
        finally:
            if self._checkpoints is not None:
                self._checkpoints.wait()
            self._on_checkpoint()
        return self.state

    def _advance(self, stop: int) -> None:
        """Takes the steps up to `stop`."""
        epoch = self._engine.plan.epoch_number(self.step)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._engine.order(epoch)
        self.state, self._sums = self._engine.advance(self.state, self._sums, self._order, stop)
        self.step = stop
        self._sink.advance(stop)

    def _record_training(self) -> None:
        """Waits for the sums of the steps that were logged last, unless they are recorded already."""
        if self._pending is None:
            return
        (stop, sums), self._pending = self._pending, None
        values = jax.device_get(sums)
        steps = int(values.pop("steps"))
        if steps < stop - self._logged:
            self._sums = sums
            raise Diverged(self._logged + steps)
        self._logged = stop
        settings, rate = self._engine.settings, float(values.pop("learning_rate"))
        found = {"objective": float(values.pop("objective")) / steps}
        found |= {"learning_rate": rate} if settings.optimizer.states_rate else {}
        found |= settings.task.summary(values, detailed=False)
        self._write(stop, "train", {**found, "images_per_second": self._throughput.since_last(stop)})

    def _evaluate(self) -> None:
        """Scores the splits that are measured on the way."""
        self._record_training()
        if self._logged < self.step:  # else its sums have told
            failed, step = jax.device_get((self.state.failed, self.state.step))
            if failed:
                raise Diverged(int(step))
        engine = self._engine
        wanted: dict[SplitName, bool] = {
            "validation": engine.spec.validation > 0,
            "test": engine.settings.eval.test_curve,
        }
        with self._throughput.paused():
            for split in (split for split, want in wanted.items() if want):
                row = self._write(self.step, split, engine.evaluate(self.state, split))
                if split == "validation":
                    self._best.update(row)
                    self._on_evaluation(row)

    def _save(self) -> None:
        """Saves the run as it is now."""
        self._record_training()
        if self._checkpoints is not None:
            best = self._best.step if self._engine.settings.checkpoint.best else None
            self._checkpoints.save(Snapshot(self.state, self._sums), best)
        self._saved_at = time.perf_counter()

    def _save_is_due(self) -> bool:
        checkpoint = self._engine.settings.checkpoint
        every = checkpoint.every.seconds
        by_the_clock = every is not None and time.perf_counter() - self._saved_at >= every
        best = checkpoint.best and self._best.step == self.step
        return by_the_clock or best or self.step in self._engine.plan.save or self._out_of_patience()

    def _out_of_patience(self) -> bool:
        """Whether the validation score has not improved for so long that training ends early.

        That is decided where the score was just measured, so that it does not depend on the length of a dispatch.
        """
        plan, best = self._engine.plan, self._best.step
        if plan.patience is None or best is None or self.step not in plan.evaluate:
            return False
        return self.step - best >= plan.patience

    def _on_checkpoint(self) -> None:
        if self._checkpoints is not None:
            self._sink.on_checkpoint(self._checkpoints.durable)

    def _write(self, step: int, split: str, values: dict[str, Any]) -> Row:
        """Records a measurement as one flat row of numbers."""
        named = {
            name if name in UNSPLIT else f"{split}_{name}": value
            for name, value in values.items()
            if isinstance(value, int | float)
        }
        row = {"step": step, "epoch": self._engine.plan.epoch(step), "seconds": self.seconds, **named}
        self._sink.write(row)
        return row


class Throughput:
    """Training examples per second, without the time for evaluation."""

    def __init__(self, step: int, batch_size: int) -> None:
        self._step, self._batch_size, self._began = step, batch_size, time.perf_counter()

    def since_last(self, step: int) -> float:
        """Examples per second since this was last asked."""
        now = time.perf_counter()
        rate = (step - self._step) * self._batch_size / (now - self._began)
        self._step, self._began = step, now
        return rate

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the time of what is done inside out."""
        began = time.perf_counter()
        yield
        self._began += time.perf_counter() - began
