"""Trains a network: `python -m src.train +experiment=resnet56_noskip`.

Compose, check, train, test, and leave a run directory behind.
"""

from src.huge_pages import restart_with_huge_pages

if __name__ == "__main__":
    restart_with_huge_pages()  # before anything heavy is imported

import logging
import sys
import time
from pathlib import Path
from typing import Any

import hydra
import jax
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from src.config.compose import CONF, composed_jobs, without_hydra
from src.config.errors import UserError, reported
from src.config.settings import read_settings
from src.runs.directory import RunDirectory
from src.runs.identity import run_hash
from src.runs.provenance import provenance, uncommitted
from src.tracking.progress import progress_sink
from src.tracking.sinks import JsonLines, Row, Sink
from src.training.checkpoints import save_state
from src.training.engine import Engine
from src.training.loop import Diverged, Measurement, Training
from src.training.parallel import check_divisible
from src.training.plan import make_plan
from src.training.preview import preview
from src.training.process import configure_jax
from src.training.profile import as_table, profile
from src.training.settings import RunSettings
from src.training.state import state_sha256

log = logging.getLogger(__name__)

EXIT_DIVERGED = 3
EXIT_INTERRUPTED = 130
CONFIG = "train"


def main() -> None:
    """Refuses what can be refused, then hands over to Hydra, which calls `train` once for each job."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    with reported():
        jobs = composed_jobs(CONFIG, sys.argv[1:])
        checked = [read_run_settings(job) for job in jobs]
        for settings in checked:
            make_plan(settings, settings.dataset().spec.train)
        if any(settings.dry_run for settings in checked):
            for job, settings in zip(jobs, checked, strict=True):
                print(preview(run_path(job).name, plain(job), settings))
            return
        for job in jobs:
            make_directory(run_path(job))
    try:
        hydra.main(config_path=str(CONF), config_name=CONFIG, version_base="1.3")(train)()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def train(config: DictConfig) -> None:
    """Trains one network and scores it once on the test split, unless that was done before."""
    with reported():
        settings = read_run_settings(config)
        directory = RunDirectory(Path(HydraConfig.get().runtime.output_dir))
        if directory.finished() and not settings.fresh:
            if directory.read_json("provenance.json")["identity"] != run_hash(settings):
                raise UserError(f"{directory.path} holds another run; choose another hydra.run.dir, or add fresh=true")
            report(directory, directory.read_json("results.json"), "finished before")
            return
        started = time.perf_counter()
        configure_jax(settings)
        dataset = settings.dataset()
        engine = Engine(settings, dataset, make_plan(settings, dataset.spec.train))
        check_divisible(settings.data.batch_size, engine.mesh.size, settings.train.accumulation)
        directory.write_start(plain(config), {"identity": run_hash(settings), **provenance()}, uncommitted())
        if settings.debug.trace:
            found = profile(engine, settings.debug.trace, directory.path / "trace")
            log.info("%s\n%s", directory.path / "trace", as_table(found))
        training = fit(engine, directory, started)
        save_state(directory.state, training.state)
        results = score(engine, training) | {"seconds": time.perf_counter() - started}
        directory.write_results(results)
        report(directory, results, "finished")


def fit(engine: Engine, directory: RunDirectory, started: float) -> Training:
    """Trains to the end and tells every sink what is measured on the way."""
    progress = progress_sink(engine.settings.tracking.progress, engine.plan.steps)
    sinks: list[Sink] = [progress, JsonLines(directory.metrics)]
    training = Training(engine, engine.initial_state(), progress.advance)
    try:
        for measurement in training.measurements():
            row = as_row(measurement, engine, time.perf_counter() - started)
            for sink in sinks:
                sink.write(row)
    except Diverged as error:
        save_state(directory.last_good_state, training.state)
        log.error(
            "%s; the state before it is kept in %s; a lower optimizer.learning_rate may help",
            error,
            directory.last_good_state,
        )
        sys.exit(EXIT_DIVERGED)
    finally:
        for sink in sinks:
            sink.close()
    return training


def score(engine: Engine, training: Training) -> dict[str, Any]:
    """The results of a finished run; this is where the test split is looked at."""
    test = engine.evaluate(training.state, engine.split("test"))
    sizes = [leaf.size for leaf in jax.tree.leaves(training.state.parameters)]
    return {
        **{f"test_{name}": value for name, value in test.items()},
        "parameters": sum(sizes),
        "steps": int(training.state.step),
        "state_sha256": state_sha256(training.state),
    }


def as_row(measurement: Measurement, engine: Engine, seconds: float) -> Row:
    """A measurement as one flat row of numbers; what describes the machine is named without the split."""
    general = ("learning_rate", "images_per_second")
    values = {
        name if name in general else f"{measurement.split}_{name}": value
        for name, value in measurement.values.items()
        if isinstance(value, int | float)
    }
    return {"step": measurement.step, "epoch": engine.plan.epoch(measurement.step), "seconds": seconds, **values}


def report(directory: RunDirectory, results: dict[str, Any], how: str) -> None:
    """One line on what came out, and where it is."""
    low, high = results["test_accuracy_interval"]
    accuracy = f"test accuracy {results['test_accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%})"
    log.info("%s: %s after %d steps; %s", how, accuracy, results["steps"], directory.path)


def read_run_settings(config: DictConfig) -> RunSettings:
    """The typed settings of a composed job.

    Raises:
        UserError: a value is not what its part accepts.
    """
    return read_settings(RunSettings, plain(config))


def plain(config: DictConfig) -> dict[str, Any]:
    """A composed job as plain values, without Hydra's own node."""
    try:
        return OmegaConf.to_container(without_hydra(config), resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except MissingMandatoryValue as error:
        raise UserError(f"{error.full_key} is missing; write {error.full_key}=…") from None


def run_path(job: DictConfig) -> Path:
    """The directory that Hydra will give to a job."""
    if job.hydra.mode == RunMode.MULTIRUN:
        return Path(job.hydra.sweep.dir) / job.hydra.sweep.subdir
    return Path(job.hydra.run.dir)


def make_directory(path: Path) -> None:
    """Makes a run directory.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / ".writable").touch()
        (path / ".writable").unlink()
    except OSError as error:
        raise UserError(f"cannot write the run directory {path}: {error.strerror}") from None


def run_name(*, _root_: DictConfig) -> str:
    """The name of a run, for `hydra.run.dir`: its experiment, and a hash of what defines its result."""
    choices = _root_.hydra.runtime.choices
    experiment = choices.get("experiment") or f"{choices.model}-{choices.data}"
    return f"{experiment}-{run_hash(read_run_settings(_root_))}"


if __name__ == "__main__":
    main()
