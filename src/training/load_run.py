"""A finished run, loaded: where everything that studies a trained network begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flax import nnx

from ..config.errors import UserError
from ..config.settings import defining_values, read_settings
from ..data.dataset import examples_sha256
from ..runs.directory import MAKE_AGAIN, RunDirectory
from ..runs.files import at_home
from ..tracking.history import read_rows
from .best import Best
from .checkpoints import Checkpoints
from .engine import Engine
from .kernels import begun_with
from .process import configure_jax
from .settings import RunSettings
from .state import TrainState


@dataclass(frozen=True)
class FinishedRun:
    """A run with one of its states.

    Attributes:
        directory: its files.
        engine: its settings, data, network and compiled functions.
        state: the state that was asked for.
        checkpoints: all states that it kept.
    """

    directory: RunDirectory
    engine: Engine
    state: TrainState
    checkpoints: Checkpoints

    @property
    def module(self) -> nnx.Module:
        """The trained network, in evaluation mode."""
        return self.engine.network.module(self.state)

    def states(self) -> Iterator[TrainState]:
        """The state at every checkpoint that it kept, earliest first; `checkpoint.keep=null` keeps them all."""
        for step in self.checkpoints.steps():
            yield self.engine.replicated(self.checkpoints.read(step, self.engine.init_snapshot()).state)


def load_run(path: str | Path, trust: Sequence[str] = (), step: int | Literal["best"] | None = None) -> FinishedRun:
    """Loads a run, even an untrusted one: nothing in its directory is executed, nothing outside it is read.

    Args:
        path: its directory.
        trust: packages beside this project whose code its configuration may name.
        step: of a checkpoint that was kept, or the one with the `best` validation score; the latest without.

    Raises:
        UserError: there is no run, it is damaged, has no such checkpoint, or its data set has other examples now.
    """
    directory = RunDirectory(at_home(Path(path)))
    settings = read_settings(RunSettings, directory.read_config(), trust)
    checkpoints = Checkpoints(directory.checkpoints, defining_values(settings))
    chosen = latest_step(directory, checkpoints) if step is None else kept_step(directory, checkpoints, settings, step)
    check_examples(settings, directory)
    configure_jax(settings)
    engine = Engine(settings, begun_with(directory))
    found = checkpoints.read(chosen, engine.init_snapshot())
    return FinishedRun(directory, engine, engine.replicated(found.state), checkpoints)


def latest_step(directory: RunDirectory, checkpoints: Checkpoints) -> int:
    """The last step of a finished run; of another one the latest checkpoint.

    Raises:
        UserError: the results are damaged, or nothing was saved yet.
    """
    if directory.finished():
        steps = directory.read_json("results.json").get("steps")
        if not isinstance(steps, int):
            raise UserError(f"{directory.path}/results.json is damaged; {MAKE_AGAIN}")
        return steps
    if not checkpoints.steps():
        raise UserError(f"{directory.path} has no checkpoint yet; it is not finished")
    return checkpoints.steps()[-1]


def kept_step(
    directory: RunDirectory, checkpoints: Checkpoints, settings: RunSettings, step: int | Literal["best"]
) -> int:
    """A step whose checkpoint was kept.

    Raises:
        UserError: it was not; with the nearest one.
    """
    kept = checkpoints.steps()
    if step == "best":
        metric = settings.task.headline_metric
        best = Best(metric, read_rows(directory.metrics)).step
        if best is None:
            raise UserError(f"step=best: {directory.path} has no validation_{metric.name}")
        if best not in kept:
            raise UserError(f"step=best: {directory.path} did not keep step {best}; train with checkpoint.best=true")
        return best
    if step not in kept:
        nearest = f"; nearest: {min(kept, key=lambda own: abs(own - step))}" if kept else ""
        raise UserError(f"step={step}: {directory.path} has no checkpoint of this step{nearest}")
    return step


def check_examples(settings: RunSettings, directory: RunDirectory) -> None:
    """Refuses a run whose data set has changed since.

    Raises:
        UserError: saying so.
    """
    begun = directory.read_json("provenance.json")
    if begun.get("examples") not in (None, examples_sha256(settings.data)):
        raise UserError(
            f"{directory.path} holds a run on other examples than data.name={settings.data.name} has now; "
            "choose another hydra.run.dir, or replace it with fresh=true"
        )
