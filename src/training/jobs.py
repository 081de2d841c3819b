"""The jobs of a command line: checked together before anything is made, then trained one by one, and summed up."""

import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import run_job
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from ..config.compose import find_own_code
from ..config.errors import EXIT_USER_ERROR, UserError, say
from ..config.hydra_settings import check_hydra_settings
from ..config.status import waiting_for
from ..data.examples import DataSpec
from ..models.base import ModelSettings
from ..runs.directory import RunDirectory
from ..runs.sweep import Job, as_table, check_home, save, settings_of
from ..tasks.base import TaskSettings
from ..tasks.metrics import SHARE
from .check import check_data, check_layers, check_network
from .from_hydra import run_config, run_path, run_settings
from .interruption import resumable
from .loop import Diverged
from .parallel import check_divisible
from .pretrained import check_pretrained
from .preview import preview
from .process import configure_jax
from .run import run
from .settings import RunSettings

EXIT_INCOMPLETE = 1
EXIT_DIVERGED = 3


def prepare(jobs: list[DictConfig]) -> bool:
    """Refuses what can be refused and makes the directories, or shows what would be run.

    Returns:
        Whether there is something to train.

    Raises:
        UserError: a job cannot be run; nothing was made.
    """
    runs = [run_settings(job) for job in jobs]
    for job in jobs:
        RunDirectory(run_path(job)).check_ours()
    if jobs[0].hydra.mode == RunMode.MULTIRUN:
        check_home(Path(jobs[0].hydra.sweep.dir))
    with waiting_for("reading the data"):
        check(runs)
    if any(settings.dry_run for settings in runs):
        for job, settings in zip(jobs, runs, strict=True):
            print(preview(run_path(job).name, run_config(job), settings))
        return False
    check_launcher(jobs)
    check_hydra_settings(jobs[0])  # they are the same for all jobs
    check_devices(jobs, runs)
    for job in jobs:
        make_directory(run_path(job))
    return True


def check(runs: list[RunSettings]) -> None:
    """Refuses runs that do not fit their data.

    Raises:
        UserError: the data cannot be read or do not allow the run, or a network does not take them, or gives something
            else than is needed.
    """
    fitting: list[tuple[ModelSettings, DataSpec, TaskSettings]] = []  # seeds of one network are checked once
    for settings in runs:
        dataset = settings.dataset()
        check_data(settings, dataset)
        case = (settings.model, dataset.spec, settings.task)
        if case not in fitting:
            check_network(*case)
            fitting.append(case)
        check_layers(settings, dataset.spec)
        check_pretrained(settings, dataset.spec)


def check_launcher(jobs: list[DictConfig]) -> None:
    """Refuses a sweep on a cluster that is not there.

    Raises:
        UserError: naming what runs here.
    """
    slurm = any("slurm" in str(job.hydra.launcher.get("_target_")).lower() for job in jobs)
    if slurm and not shutil.which("srun"):
        raise UserError("there is no SLURM here (no srun); side by side on this machine: hydra/launcher=processes")


def check_devices(jobs: list[DictConfig], runs: list[RunSettings]) -> None:
    """Refuses runs that do not fit the devices of this machine.

    Only a process that trains itself looks at its devices: it would take a GPU's memory from others.

    Raises:
        UserError: there are fewer devices than asked for, or a batch does not divide over them.
    """
    if jobs[0].hydra.runtime.choices["hydra/launcher"] != "basic":
        return
    configure_jax(runs[0])  # XLA reads its options when devices are first looked at
    for settings in runs:
        check_divisible(settings.data.batch_size, settings.parallel.mesh().size, settings.train.accumulation)


def train_alone(job: DictConfig) -> None:
    """Runs the only job of a command line as Hydra does, without composing it a second time."""
    callbacks, name = Callbacks(job), job.hydra.job.config_name
    context = HydraContext(ConfigLoaderImpl(ConfigSearchPathImpl()), callbacks)
    callbacks.on_run_start(config=job, config_name=name)
    done = run_job(train, job, "hydra.run.dir", None, context)
    callbacks.on_run_end(config=job, config_name=name, job_return=done)
    _ = done.return_value  # raises what the job raised


def train(config: DictConfig) -> None:
    """One job, as Hydra calls it. In a sweep, a job that fails does not keep the others from being run."""
    path = Path(HydraConfig.get().runtime.output_dir)
    alone = HydraConfig.get().mode == RunMode.RUN
    find_own_code(HydraConfig.get())  # a job may have a process of its own
    try:
        settings = run_settings(config)
        with resumable(fresh=settings.fresh):
            run(settings, run_config(config), path)
    except UserError as error:
        say(f"error: {error}")
        if alone:
            sys.exit(EXIT_USER_ERROR)
        with suppress(OSError):
            RunDirectory(path).write_failure(f"{error}\n")
    except Diverged as error:
        say(f"error: {error}; the state before it is kept in {path}; a lower optimizer.learning_rate may help")
        if alone:
            sys.exit(EXIT_DIVERGED)
    except Exception as error:
        if alone:
            raise
        say(f"error: {path} failed: {error!r}")


def conclude(jobs: list[DictConfig]) -> int:
    """Shows and saves the table of a sweep.

    Returns:
        The exit code: whether every job finished.
    """
    done = [Job(RunDirectory(run_path(job)), list(job.hydra.overrides.task)) for job in jobs]
    settings = settings_of(done)
    tasks = [run_settings(job).task for job in jobs]
    shares = {f"test_{each.name}" for task in tasks for each in task.metrics(detailed=True) if each.unit == SHARE}
    path = save(settings, done, Path(jobs[0].hydra.sweep.dir), shares)
    print(f"\n{as_table(settings, shares)}\n{path}")
    return EXIT_INCOMPLETE if any(setting.missing for setting in settings) else 0


def make_directory(path: Path) -> None:
    """Makes a run directory.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
        RunDirectory(path).lock.touch()  # whatever comes into it from here on is ours
    except OSError as error:
        raise UserError(f"cannot write the run directory {path}: {error.strerror}") from None
