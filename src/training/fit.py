"""Training with everything around it: it reports measurements, saves the state, and stops when asked to."""

import time
from collections.abc import Callable

from ..tracking.history import History
from ..tracking.sinks import Row, Sinks
from .checkpoints import Checkpoints
from .engine import Engine
from .interruption import Interrupted, Interruption
from .loop import Diverged, Measurement, Training
from .state import Snapshot, TrainState

OnEvaluation = Callable[[Measurement], None]


class Fit:
    """One run from a snapshot to its end."""

    def __init__(
        self,
        engine: Engine,
        start: Snapshot,
        checkpoints: Checkpoints,
        history: History,
        sinks: Sinks,
        interruption: Interruption,
    ) -> None:
        """Prepares.

        Args:
            engine: of the run.
            start: where the run stands.
            checkpoints: where it is saved.
            history: of the run so far; it takes every measurement.
            sinks: receive every measurement.
            interruption: a wish to stop, which is granted between two dispatches.
        """
        self._engine, self._checkpoints = engine, checkpoints
        self._history, self._sinks = history, sinks
        self._interruption = interruption
        self._training = Training(engine, start)
        self._every = engine.settings.checkpoint.every.seconds
        self._began = time.perf_counter() - history.seconds
        self._saved_at = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long training has taken, without the time between an interruption and the next start."""
        return time.perf_counter() - self._began

    def run(self, on_evaluation: OnEvaluation) -> TrainState:
        """Trains to the end of the plan.

        Args:
            on_evaluation: called with every score on the validation split; what it raises ends the run.

        Returns:
            The final state, which is saved.

        Raises:
            Interrupted: the process was asked to stop; the run is saved.
            Diverged: the loss stopped being finite; the last good state is saved.
            UserError: a checkpoint or the history cannot be written.
        """
        try:
            for measurement in self._training.measurements(self._after_dispatch):
                self._record(measurement)
                if measurement.split == "validation":
                    on_evaluation(measurement)
        except Diverged:
            self._checkpoints.save(self._training.snapshot())
            raise
        finally:
            self._checkpoints.wait()
            self._on_checkpoint()
        return self._training.state

    def _after_dispatch(self) -> None:
        self._sinks.advance(self._training.dispatched)
        self._on_checkpoint()
        if self._interruption.signal is not None or self._save_is_due():
            for measurement in self._training.flush():
                self._record(measurement)
            self._checkpoints.save(self._training.snapshot())
            self._saved_at = time.perf_counter()
        if self._interruption.signal is not None:
            raise Interrupted(self._interruption.signal)

    def _save_is_due(self) -> bool:
        by_the_clock = self._every is not None and time.perf_counter() - self._saved_at >= self._every
        return by_the_clock or self._training.dispatched in self._engine.plan.save

    def _on_checkpoint(self) -> None:
        self._history.on_checkpoint(self._checkpoints.durable)
        self._sinks.on_checkpoint(self._checkpoints.durable)

    def _record(self, measurement: Measurement) -> None:
        row = as_row(measurement, self._engine.plan.epoch(measurement.step), self.seconds)
        self._history.write(row)
        self._sinks.write(row)


def as_row(measurement: Measurement, epoch: float, seconds: float) -> Row:
    """A measurement as one flat row of numbers; `learning_rate` and `images_per_second` belong to no split."""
    general = ("learning_rate", "images_per_second")
    values = {
        name if name in general else f"{measurement.split}_{name}": value
        for name, value in measurement.values.items()
        if isinstance(value, int | float)
    }
    return {"step": measurement.step, "epoch": epoch, "seconds": seconds, **values}
