"""A run, loaded: where everything that studies or uses a trained network begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from flax import nnx
from jaxtyping import Float

from ..config.errors import UserError, did_you_mean
from ..config.settings import defining_values, read_settings
from ..data.dataset import SPLITS, Dataset, SplitName, examples_sha256
from ..data.examples import Split, check_split
from ..data.given import Labelled, as_split
from ..data.preprocessing import Preprocessing, from_json
from ..models.captured import captured
from ..models.functional import Tree
from ..runs.directory import MENDS, PREPROCESSING, RESULTS, RunDirectory
from ..runs.files import at_home
from ..tracking.history import read_rows
from .batched import in_batches
from .best import Best
from .checkpoints import Checkpoints
from .engine import Engine
from .kernels import begun_with
from .process import configure_jax
from .settings import RunSettings
from .state import TrainState


@dataclass(frozen=True)
class LoadedRun:
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

    def predict(self, inputs: Any) -> Any:
        """What the task makes of the outputs: probabilities of the classes for a classification.

        Args:
            inputs: as they are stored: images are uint8 pixels `n h w c`, texts numbers of words `n length`.

        Returns:
            float32, one row for each input; a tree where the outputs are one.

        Raises:
            UserError: the inputs have another shape or type than those of the run's data.
        """
        return self._in_batches(self._predictions, inputs)

    def evaluate(self, data: SplitName | Split | Labelled = "test") -> dict[str, Any]:
        """The task's metrics of a split of the run's data, or of other examples.

        Raises:
            UserError: the run has no such split; the data cannot be read, have changed since, or are not as its own.
        """
        engine = self.engine
        if isinstance(data, str):
            if data not in SPLITS:
                raise UserError(f"split={data}: this is no split{did_you_mean(data, SPLITS)}")
            if not getattr(engine.spec, data):
                raise UserError(f"split={data}: this run has no {data} split")
            return engine.evaluate(self.state, data)
        given, task = as_split(data), engine.settings.task
        if not len(given):
            raise UserError("there are no examples to evaluate")
        engine.preprocessing.check(given.inputs)
        check_split(given, engine.spec, task.read_of(engine.spec.targets), "given")
        task.check_targets(given.targets, engine.spec)
        return engine.evaluate(self.state, engine.on_devices(given))

    def features(self, inputs: Any, layer: str) -> Float[np.ndarray, "n ..."]:
        """The outputs of a layer, by its name in the layer table (`python -m src.summary run=PATH`).

        Raises:
            UserError: there is no such layer, with the nearest one; or the inputs do not fit.
        """

        def outputs(x: Any) -> Any:
            found = captured(self.module, x)
            if layer not in found:
                raise UserError(f"the network has no layer '{layer}'{did_you_mean(str(layer), found)}")
            return found[layer]

        return self._in_batches(self._of_stored(outputs), inputs)

    @cached_property
    def _predictions(self) -> Any:
        network, scored = self.engine.network, self.state.scored()
        return self._of_stored(lambda x: self.engine.settings.task.predictions(network(*scored, x)))

    def _of_stored(self, function: Any) -> Any:
        """Compiles a function of a network's inputs as one of inputs as they are stored."""
        return jax.jit(lambda inputs: function(self.engine.preprocessing.normalized(inputs)))

    def _in_batches(self, function: Any, inputs: Any) -> Tree:
        return in_batches(function, self.engine.preprocessing.check(inputs), self.engine.settings.eval.batch_size)


def load_run(path: str | Path, trust: Sequence[str] = (), step: int | Literal["best"] | None = None) -> LoadedRun:
    """Loads a run, even an untrusted one: nothing in its directory is executed, nothing outside it is read.

    Its data are read only when they are asked for.

    Args:
        path: its directory.
        trust: packages beside this project whose code its configuration may name.
        step: of a checkpoint that was kept, or the one with the `best` validation score; the latest without.

    Raises:
        UserError: there is no run, it is damaged, or has no such checkpoint; later, that its data set has other
            examples now.
    """
    directory = RunDirectory(at_home(Path(path)))
    return loaded(directory, read_settings(RunSettings, directory.read_config(), trust), step)


def loaded(directory: RunDirectory, settings: RunSettings, step: int | Literal["best"] | None = None) -> LoadedRun:
    """A run whose settings are known; see `load_run`."""
    checkpoints = Checkpoints(directory.checkpoints, defining_values(settings))
    chosen = latest_step(directory, checkpoints) if step is None else kept_step(directory, checkpoints, settings, step)

    def load() -> Dataset:
        check_examples(settings, directory)
        return settings.dataset()

    configure_jax(settings)
    whole = settings.model_copy(update={"cache_features": False})
    engine = Engine(whole, begun_with(directory), stored_preprocessing(directory), load)
    found = checkpoints.read(chosen, engine.init_snapshot())
    return LoadedRun(directory, engine, engine.replicated(found.state), checkpoints)


def stored_preprocessing(directory: RunDirectory) -> Preprocessing | None:
    """What a run stored of its data; nothing for runs that did not yet.

    Raises:
        UserError: it is damaged.
    """
    if not (directory.path / PREPROCESSING).exists():
        return None
    try:
        return from_json(directory.read_json(PREPROCESSING))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{directory.path / PREPROCESSING} is damaged; {MENDS[PREPROCESSING]}") from None


def latest_step(directory: RunDirectory, checkpoints: Checkpoints) -> int:
    """The last step of a finished run; of another one the latest checkpoint.

    Raises:
        UserError: the results are damaged, or nothing was saved yet.
    """
    if directory.finished():
        steps = directory.read_json(RESULTS).get("steps")
        if not isinstance(steps, int):
            raise UserError(f"{directory.path / RESULTS} is damaged; {MENDS[RESULTS]}")
        return steps
    if not checkpoints.steps():
        raise UserError(f"{directory.path} has no checkpoint yet; it is not finished")
    return checkpoints.steps()[-1]


def kept_step(
    directory: RunDirectory, checkpoints: Checkpoints, settings: RunSettings, step: int | Literal["best"]
) -> int:
    """A step whose checkpoint was kept; the best is that of the history up to the latest checkpoint.

    Raises:
        UserError: it was not; with the nearest one.
    """
    kept = checkpoints.steps()
    if not kept:
        raise UserError(f"step={step}: {directory.path} has no checkpoint yet")
    if step == "best":
        metric = settings.task.headline_metric
        best = Best(metric, (row for row in read_rows(directory.metrics) if row["step"] <= kept[-1])).step
        if best is None:
            raise UserError(f"step=best: {directory.path} has no validation_{metric.name}")
        if best not in kept:
            raise UserError(f"step=best: {directory.path} did not keep step {best}; train with checkpoint.best=true")
        return best
    if not isinstance(step, int):
        raise UserError(f"step={step}: should be best or the number of a step; kept are {', '.join(map(str, kept))}")
    if step not in kept:
        nearest = min(kept, key=lambda own: abs(own - step))
        raise UserError(f"step={step}: {directory.path} has no checkpoint of this step; nearest: {nearest}")
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
