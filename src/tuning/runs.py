"""A search whose trials are ordinary runs; names of the search and of its runs are hashes, so they are found again."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import optuna
from omegaconf import DictConfig, OmegaConf
from optuna.study import Study
from optuna.trial import Trial

from ..config.errors import UserError, say
from ..config.settings import defining_values, read_settings
from ..lock import locked
from ..runs.files import check_ours
from ..runs.identity import identity, short_hash
from ..tasks.metrics import Metric
from ..tracking.history import read_rows
from ..tracking.sinks import Row
from ..training.check import check_data, check_layers, check_network
from ..training.from_hydra import compose_runs, run_config, run_name, run_settings
from ..training.loop import Diverged
from ..training.plan import make_plan
from ..training.pretrained import check_pretrained
from ..training.run import run
from .settings import SPLIT, SearchNode, SearchSettings
from .study import Failed, open_study, search

CONFIG = "search"
"""Name of the primary configuration, and of the node in it that is not a setting of the runs."""

JOURNAL = "journal.log"


class Search(NamedTuple):
    """A composed search.

    Attributes:
        settings: of the search.
        job: the run without what is searched, composed.
        metric: that decides, on the validation split.
        directory: of the search itself.
    """

    settings: SearchSettings
    job: DictConfig
    metric: Metric
    directory: Path


def planned(arguments: Sequence[str]) -> Search:
    """Composes and checks a search; nothing is computed.

    Args:
        arguments: of `src.search`.

    Raises:
        UserError: the arguments are wrong, every trial would fail, or the directory has files of others.
    """
    job = composed(arguments)
    node = OmegaConf.to_container(job[CONFIG], resolve=True)
    settings = read_settings(SearchNode, {CONFIG: node}).search
    metric = settings.score(run_settings(job).task)
    check(settings, job, arguments)
    directory = settings.home / search_name(settings, metric, job)
    ours = (directory / JOURNAL).exists()
    check_ours(directory, ours=ours, beginnings=(".lock",), instead="choose another search.directory")
    return Search(settings, job, metric, directory)


def searched(arguments: Sequence[str]) -> tuple[Study, Path]:
    """Runs trials until there are `search.trials`, including those of earlier starts.

    Args:
        arguments: of `src.search`.

    Returns:
        The trials, and the directory of the search.

    Raises:
        UserError: the arguments are wrong, the directory cannot be written, or another process goes on with the search.
        Interrupted: the process was asked to stop; the same search can be resumed.
    """
    settings, job, metric, directory = planned(arguments)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"search.directory={settings.directory} cannot be written: {error.strerror}") from None
    with locked(directory / ".lock", of=directory, wait=False):
        study = open_study(settings, metric.direction or "maximize", directory / JOURNAL)
        search(study, settings, job.seed, lambda trial: train(trial, settings, metric, arguments))
    return study, directory


def composed(arguments: Sequence[str]) -> DictConfig:
    """Composes one job.

    Raises:
        UserError: the command line is wrong, or asks for several.
    """
    jobs = compose_runs(CONFIG, [*arguments])
    if len(jobs) != 1:
        raise UserError("a search is of one run at a time, without -m; what is searched stands in conf/search/")
    return jobs[0]


def check(settings: SearchSettings, job: DictConfig, arguments: Sequence[str]) -> None:
    """Refuses what would make every trial fail.

    Raises:
        UserError: there is no validation split, network, task and data do not fit, or a setting does not exist or does
            not take such values.
    """
    first = run_settings(job)
    if first.dry_run or first.fresh:
        raise UserError("dry_run=true and fresh=true are for python -m src.train")
    dataset = first.dataset()
    if dataset.spec.validation == 0:
        raise UserError("data.validation=0: a search needs a validation split to decide by")
    check_data(first, dataset)
    check_network(first.model, dataset.spec, first.task)
    check_layers(first, dataset.spec)
    check_pretrained(first, dataset.spec)
    for dimension in settings.space:
        for value in dimension.extremes:
            extreme = run_settings(composed([*arguments, f"{dimension.key}={value}"]))
            make_plan(extreme, extreme.dataset().spec.train)


def search_name(settings: SearchSettings, metric: Metric, job: DictConfig) -> str:
    """The same command finds its search again; a greater number of trials goes on with it."""
    # The direction follows from the metric; with it, searches keep the names that they had when it was a setting.
    own = defining_values(settings) | {"metric": f"{SPLIT}{metric.name}", "direction": metric.direction}
    values = [own, identity(run_settings(job))]
    return f"search-{short_hash(values)}"


def train(trial: Trial, settings: SearchSettings, metric: Metric, arguments: Sequence[str]) -> float:
    """One trial: a run with the proposed settings, stopped early if it lags behind.

    Raises:
        Failed: the run diverged or cannot be made, or its score is not finite.
        optuna.TrialPruned: the run was pruned.
    """
    job = composed([*arguments, *changes(trial.params)])
    path, score = settings.home / run_name(_root_=job), f"{SPLIT}{metric.name}"

    def on_evaluation(row: Row) -> None:
        trial.report(row[score], row["step"])
        if trial.should_prune():
            raise optuna.TrialPruned

    say(f"trial {trial.number}: {trial.params}")
    try:
        run(run_settings(job), run_config(job), path, on_evaluation)
    except (Diverged, UserError) as error:
        raise Failed(str(error)) from None
    last: float = [row[score] for row in read_rows(path / "metrics.jsonl") if score in row][-1]
    if not math.isfinite(last):
        raise Failed(f"{score} is {last}")
    return last


def changes(parameters: dict[str, object]) -> list[str]:
    """The settings that a trial proposes, as arguments of `src.train`."""
    return [f"{key}={value}" for key, value in parameters.items()]
