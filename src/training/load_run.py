"""A finished run, loaded: where everything that studies a trained network begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flax import nnx

from ..config.errors import UserError
from ..config.settings import defining_values, read_settings
from ..data.dataset import examples_sha256
from ..runs.directory import MAKE_AGAIN, RunDirectory
from ..runs.files import at_home
from .checkpoints import Checkpoints
from .engine import Engine
from .kernels import begun_with
from .process import configure_jax
from .settings import RunSettings
from .state import TrainState


@dataclass(frozen=True)
class FinishedRun:
    """A run that came to its end.

    Attributes:
        directory: its files.
        engine: its settings, data, network and compiled functions.
        state: its final state.
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


def load_run(path: Path, trust: Sequence[str] = ()) -> FinishedRun:
    """Loads a finished run, even an untrusted one: nothing in its directory is executed, nothing outside it is read.

    Args:
        path: its directory.
        trust: packages beside this project whose code its configuration may name.

    Raises:
        UserError: there is none, it is damaged, or its data set has other examples now.
    """
    directory = RunDirectory(at_home(path))
    settings = read_settings(RunSettings, directory.read_config(), trust)
    results = directory.read_json("results.json")
    if not isinstance(results.get("steps"), int):
        raise UserError(f"{path}/results.json is damaged; {MAKE_AGAIN}")
    check_examples(settings, directory)
    configure_jax(settings)
    engine = Engine(settings, begun_with(directory))
    checkpoints = Checkpoints(directory.checkpoints, defining_values(settings))
    final = checkpoints.read(results["steps"], engine.init_snapshot())
    return FinishedRun(directory, engine, engine.replicated(final.state), checkpoints)


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
