"""Training from Python: any NNX module, any optax transformation, any arrays, by the loop of the command."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import optax
from flax import nnx
from omegaconf import DictConfig

from ..config.errors import UserError
from ..config.kinds import HOME, KIND, TARGET
from ..config.settings import Settings
from ..data.dataset import Dataset
from ..data.examples import Examples, Split, numbered_classes
from ..data.given import Given as GivenData
from ..data.given import Labelled, as_split
from ..data.settings import AugmentSettings, Normalization
from ..models.given import Given as GivenModule
from ..runs.directory import RunDirectory
from ..runs.files import at_home
from ..tasks.base import TaskSettings
from ..tracking.history import read_rows
from ..tracking.progress import progress_sink
from ..tracking.sinks import Recorder, Row, Sink
from .check import check_data, check_layers, check_network
from .from_hydra import compose_runs, run_config, run_settings
from .load_run import loaded
from .loop import Loop
from .optimizers.given import Given as GivenOptimizer
from .parallel import check_divisible
from .pretrained import check_pretrained, new_engine
from .process import configure_jax
from .run import run
from .settings import RunSettings
from .state import TrainState

ELSEWHERE = {
    "model": "module", "data": "data", "optimizer": "optimizer", "schedule": "optimizer", "train.duration": "duration",
    "experiment": "module", "hydra": "run_dir",
}  # fmt: skip
"""Settings of a command, and the argument of `fit` that stands in their place."""


class Fitted(NamedTuple):
    """What training gave.

    Attributes:
        history: every measurement, as in `metrics.jsonl`.
        state: the final state.
        module: the trained network, in evaluation mode.
    """

    history: list[Row]
    state: TrainState
    module: nnx.Module


class Memory(Sink):
    """Keeps every measurement."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def write(self, row: Row) -> None:
        self.rows.append(row)


def load_data(name: str, *settings: str) -> Dataset:
    """A data set as arrays: `load_data("cifar10").train.inputs`.

    Args:
        name: of a file in `conf/data/`.
        settings: as on the command line, such as `data.validation=1000`.

    Raises:
        UserError: there is no such data set, or it cannot be read.
    """
    return run_settings(one_job([f"data={name}", *settings])).dataset()


def fit(
    module: nnx.Module,
    data: Dataset | Split | Labelled,
    optimizer: optax.GradientTransformation,
    *,
    task: TaskSettings | None = None,
    duration: str = "5 epochs",
    batch_size: int = 128,
    normalize: Normalization = "channel",
    augment: AugmentSettings | None = None,
    run_dir: str | Path | None = None,
    name: str = "fit",
    settings: Sequence[str] = (),
) -> Fitted:
    """Trains a module by the same loop as `python -m src.train`.

    Args:
        module: any NNX module; it stays as it is.
        data: a data set, or a split or inputs and labels to train on.
        optimizer: any transformation of optax, with its learning rate and schedule in it.
        task: what targets and outputs mean; that of the settings without, which is a classification.
        duration: in steps, epochs or examples.
        batch_size: examples in a step.
        normalize: of pixels, as `data.normalize`.
        augment: random changes of training images.
        run_dir: a directory in which the run is saved. The same call goes on with it, and so survives what a command
            survives; one with another module, optimizer, data or name is refused.
        name: that tells modules of equal shapes apart.
        settings: everything else as on the command line, such as `eval.every=100 steps`.

    Raises:
        UserError: data, task and module do not fit, a setting is wrong, or `run_dir` holds another run.
    """
    extra = [settings] if isinstance(settings, str) else [*settings]
    check_settings(extra)
    job = one_job([f"train.duration={duration}", "schedule=constant", *extra])
    composed = run_settings(job)
    wanted = composed.task if task is None else checked_task(task)
    examples = as_examples(data, wanted)
    parts: dict[str, Settings] = {
        "model": GivenModule.of(module, name),
        "data": GivenData.of(examples, batch_size=batch_size, normalize=normalize, augment=augment),
        "optimizer": GivenOptimizer.of(optimizer, nnx.to_pure_dict(nnx.state(module, nnx.Param))),
        "task": wanted,
    }
    own = composed.model_copy(update=parts)
    dataset = own.dataset()
    check_data(own, dataset)
    check_network(own.model, dataset.spec, own.task)
    check_layers(own, dataset.spec)
    check_pretrained(own, dataset.spec)
    configure_jax(own)
    check_divisible(batch_size, own.parallel.mesh().size, own.train.accumulation)
    if run_dir is None:
        return in_memory(own)
    return in_directory(own, run_config(job) | {key: node(part) for key, part in parts.items()}, at_home(Path(run_dir)))


def one_job(arguments: list[str]) -> DictConfig:
    """The settings of one run, composed.

    Raises:
        UserError: they are wrong, of several runs, or of none.
    """
    jobs = compose_runs("train", arguments)
    if len(jobs) != 1 or jobs[0].dry_run:
        raise UserError("-m and dry_run=true are for python -m src.train; from Python it is one run at a time")
    return jobs[0]


def check_settings(settings: Sequence[str]) -> None:
    """Refuses settings that the arguments of `fit` replace.

    Raises:
        UserError: naming the argument.
    """
    for setting in settings:
        key = setting.lstrip("+~").partition("=")[0]
        for own, argument in ELSEWHERE.items():
            if key == own or key.startswith((f"{own}.", f"{own}/", f"{own}@")):
                raise UserError(f"{setting}: fit has its argument {argument} in place of this setting")


def checked_task(task: Any) -> TaskSettings:
    """A task.

    Raises:
        UserError: it is none.
    """
    if not isinstance(task, TaskSettings):
        raise UserError(f"a task is an object such as Segmentation(), or settings=['task=segmentation']; not {task!r}")
    return task


def in_memory(settings: RunSettings) -> Fitted:
    """Trains without saving anything."""
    engine, memory = new_engine(settings), Memory()
    progress = progress_sink(settings.tracking.progress, 0, engine.plan.steps, settings.task.shown)
    try:
        state = Loop(engine, engine.init_snapshot(), sink=Recorder(memory, progress)).run()
    finally:
        progress.close()
    return Fitted(memory.rows, state, engine.network.module(state))


def in_directory(settings: RunSettings, config: dict[str, Any], path: Path) -> Fitted:
    """Trains as a command does, or goes on, and reads what came out."""
    run(settings, config, path)
    directory = RunDirectory(path)
    trained = loaded(directory, settings)
    return Fitted(read_rows(directory.metrics), trained.state, trained.module)


def as_examples(data: Dataset | Split | Labelled, task: TaskSettings) -> Examples:
    """A data set with the splits of `data`; of plain arrays all are for training, in the classes of the task's target.

    Raises:
        UserError: they are something else, or inputs and labels do not belong together.
    """
    if isinstance(data, Dataset):
        return Examples(
            data.train, data.test, data.spec.class_names, data.validation, data.notes, vocabulary=data.vocabulary
        )
    every = as_split(data)
    classes = numbered_classes(*(every.targets[name] for name in task.needs[:1] if name in every.targets))
    return Examples(every, every[:0], classes, every[:0])


def node(part: Settings) -> dict[str, Any]:
    """Settings as a composed configuration has them."""
    cls = type(part)
    package, _, kind = cls.__module__.rpartition(".")
    chosen = {KIND: kind} if package.startswith(HOME) else {TARGET: f"{cls.__module__}.{cls.__qualname__}"}
    return chosen | part.model_dump(mode="json")
