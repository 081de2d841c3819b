"""The runs of a study: ordinary training runs in ordinary directories, so what is finished is not run again.

A study names its runs by the arguments of `src.train`. If the same command was run before, by hand, in a sweep or in
another study, has done that part of it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.errors import UserError
from ..config.settings import read_settings
from ..runs.directory import RunDirectory
from ..runs.files import at_home
from ..tracking.history import read_rows
from ..tracking.sinks import Row
from ..training.check import check_data, check_layers
from ..training.from_hydra import compose_runs, run_config, run_path, run_settings
from ..training.load_run import LoadedRun, load_run
from ..training.loop import Diverged
from ..training.plan import make_plan
from ..training.pretrained import check_pretrained
from ..training.run import refuse_another, run
from ..training.settings import RunSettings
from .progress import StudyProgress

log = logging.getLogger(__name__)

NAMED = "run="
QUIET = "tracking.progress=none"
"""A study shows one line of its own."""


@dataclass(frozen=True)
class StudyRun:
    """One run of a study, which may be finished or not.

    Attributes:
        arguments: of `src.train`, or the directory as `run=PATH`.
        settings: that they make.
        config: the same as plain values.
        directory: its files.
        trust: packages beside this project whose code it may name.
    """

    arguments: tuple[str, ...]
    settings: RunSettings
    config: dict[str, Any]
    directory: RunDirectory
    trust: tuple[str, ...]

    def rows(self) -> list[Row]:
        """All measurements."""
        return read_rows(self.directory.metrics)

    def last(self, name: str) -> float:
        """The last measurement of something.

        Raises:
            UserError: it was never measured.
        """
        values = [row[name] for row in self.rows() if name in row]
        if not values:
            raise UserError(f"{self.directory.path} has no {name}")
        return values[-1]

    def validation_score(self) -> float:
        """The last score on the validation split by which the task decides; larger is better.

        Raises:
            UserError: it was never measured.
        """
        headline = self.settings.task.headline_metric
        score = self.last(f"validation_{headline.name}")
        return -score if headline.direction == "minimize" else score

    def results(self) -> dict[str, Any]:
        """The scores at the end.

        Raises:
            UserError: the run is not finished.
        """
        return self.directory.read_json("results.json")

    def check(self) -> None:
        """Refuses what is not finished, and what another command finished, or this one on other examples.

        Raises:
            UserError: saying which.
        """
        self.results()
        refuse_another(self.settings, self.directory)

    def loaded(self) -> LoadedRun:
        """The finished run.

        Raises:
            UserError: it is not finished, or is another one; see `check`.
        """
        self.check()
        return load_run(self.directory.path, self.trust)

    def with_checkpoints(self) -> LoadedRun:
        """The finished run with all the checkpoints that the study asks for.

        Raises:
            UserError: it kept others, for it was trained by a command that asked for others.
        """
        finished = self.loaded()
        wanted = make_plan(self.settings, finished.engine.spec.train).save
        missing = wanted - set(finished.checkpoints.steps())
        if missing:
            raise UserError(
                f"{self.directory.path} kept {len(wanted) - len(missing)} of the {len(wanted)} checkpoints that are "
                "needed; move it elsewhere, or replace it by training with fresh=true checkpoint.keep=null"
            )
        return finished

    def record(self) -> dict[str, Any]:
        """Where its numbers come from, and its score, of which the others are means and differences."""
        provenance = self.directory.read_json("provenance.json")
        resumed = [{name: each[name] for name in ("step", "commit", "dirty")} for each in provenance["resumed"]]
        return {
            "arguments": list(self.arguments),
            "run": self.directory.path.name,
            "test_accuracy": self.results().get("test_accuracy"),
            **{name: provenance[name] for name in ("commit", "dirty", "device", "devices", "threads")},
            "resumed": resumed,
        }


def planned(arguments: Sequence[str]) -> StudyRun:
    """Composes and checks one run; nothing is computed.

    Args:
        arguments: of `src.train`.

    Raises:
        UserError: they are wrong.
    """
    for argument in arguments:
        if "=" not in argument:
            raise UserError(f"{argument}: settings of a run are written key=value")
    (job,) = compose_runs("train", [*arguments, QUIET])
    settings = run_settings(job)
    if settings.dry_run or settings.fresh:
        raise UserError("dry_run=true and fresh=true are for python -m src.train; what is finished is used as it is")
    directory = RunDirectory(run_path(job))
    directory.check_ours()
    check_data(settings, settings.dataset())
    check_layers(settings, settings.dataset().spec)
    check_pretrained(settings, settings.dataset().spec)
    return StudyRun(tuple(arguments), settings, run_config(job), directory, tuple(settings.trust))


def run_in(path: Path, trust: Sequence[str] = ()) -> StudyRun:
    """The run in a directory.

    Args:
        path: the directory.
        trust: packages beside this project whose code its configuration may name.

    Raises:
        UserError: it is none, or not finished.
    """
    directory = RunDirectory(at_home(path))
    directory.read_json("results.json")
    config = directory.read_config()
    settings = read_settings(RunSettings, config, trust)
    return StudyRun((f"{NAMED}{path}",), settings, config, directory, tuple(trust))


def finish(runs: Iterable[StudyRun]) -> None:
    """Brings every run to its end, in the given order; one that diverges is left as it is.

    Raises:
        Interrupted: the process was asked to stop; the same study goes on from there.
        UserError: a directory holds another run, or another process trains in it.
    """
    waiting = {each.directory.path: each for each in runs if not each.directory.finished()}
    if not waiting:
        return
    logging.getLogger(run.__module__).setLevel(logging.WARNING)
    with StudyProgress(len(waiting)) as progress:
        for each in waiting.values():
            progress.begin(" ".join(each.arguments), each.settings.task.headline_metric)
            try:
                run(each.settings, each.config, each.directory.path, progress.measured)
            except Diverged as error:
                log.warning("%s: %s; it counts as not finished", each.directory.path, error)
            progress.done()


def usable(each: StudyRun) -> bool:
    """Whether a run is finished and is the one that its name says; if not, a line says why it is left out."""
    try:
        each.check()
    except UserError as error:
        log.warning("left out: %s", error)
        return False
    return True


def named_or_trained(
    arguments: Sequence[str], otherwise: Sequence[str], check: Callable[[RunSettings, Path], None]
) -> LoadedRun:
    """The run that a command line names with `run=`, or the one that it describes by settings.

    Args:
        arguments: the command line.
        otherwise: settings that come before those of the command line if no run is named.
        check: refuses a run that nothing could be made of, by its settings, before it is trained.

    Raises:
        UserError: the run cannot be loaded or trained.
    """
    named = [argument.removeprefix(NAMED) for argument in arguments if argument.startswith(NAMED)]
    if named and len(arguments) > 1:
        raise UserError(f"{NAMED}{named[0]} has its own settings; leave out the others")
    if named:
        run = load_run(Path(named[0]))
        check(run.engine.settings, run.directory.path)
        return run
    described = planned([*otherwise, *arguments])
    check(described.settings, described.directory.path)
    finish([described])
    return described.loaded()
