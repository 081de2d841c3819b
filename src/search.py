"""Searches good settings: `python -m src.search +experiment=resnet20 +profile=quick search.trials=20`.

Every trial is a run like any other, in a directory of its own. The same command again goes on with the search.
"""

from src.huge_pages import restart_with_huge_pages

if __name__ == "__main__":
    restart_with_huge_pages()  # before anything heavy is imported

import csv
import hashlib
import json
import logging
import shlex
import sys
from pathlib import Path

import optuna
from omegaconf import DictConfig, OmegaConf
from optuna.study import Study
from optuna.trial import Trial

from src.config.errors import UserError, reported, say
from src.config.settings import defining_values, read_settings
from src.lock import Held, locked
from src.tracking.history import read_rows
from src.training.composed import composed_runs, run_config, run_name, run_settings
from src.training.interruption import resumable
from src.training.loop import Diverged, Measurement
from src.training.run import run
from src.tuning.settings import SearchNode, SearchSettings
from src.tuning.study import Failed, best, open_study, rows, search

CONFIG = "search"
"""Name of the primary configuration, and of the node in it that is not a setting of the runs."""


def main() -> None:
    """Searches until there are as many trials as were asked for, and shows them."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, force=True)
    for name in ("absl", "jax"):
        logging.getLogger(name).setLevel(logging.ERROR)
    arguments = sys.argv[1:]
    with reported(), resumable():
        job = composed(arguments)
        node = OmegaConf.to_container(job[CONFIG], resolve=True)
        settings = read_settings(SearchNode, {CONFIG: node}).search
        check(settings, job, arguments)
        directory = Path(settings.directory) / search_name(settings, job)
        directory.mkdir(parents=True, exist_ok=True)
        try:
            with locked(directory / ".lock", wait=False):
                study = open_study(settings, directory / "journal.log")
                search(study, settings, job.seed, lambda trial: train(trial, settings, arguments))
                conclude(study, directory, arguments)
        except Held as holder:
            raise UserError(f"{directory} is in use by {holder}, which searches there") from None


def composed(arguments: list[str]) -> DictConfig:
    """Composes one job.

    Raises:
        UserError: the command line is wrong, or asks for several.
    """
    jobs = composed_runs(CONFIG, arguments)
    if len(jobs) != 1:
        raise UserError("a search takes no -m and no --help; its settings are in conf/search/")
    return jobs[0]


def check(settings: SearchSettings, job: DictConfig, arguments: list[str]) -> None:
    """Refuses what would make every trial fail.

    Raises:
        UserError: there is no validation split, or a setting does not exist or does not take such values.
    """
    if run_settings(job).dataset().spec.validation == 0:
        raise UserError("data.validation=0: a search needs a validation split to decide by")
    for dimension in settings.space:
        for value in dimension.extremes:
            run_settings(composed([*arguments, f"{dimension.key}={value}"]))


def search_name(settings: SearchSettings, job: DictConfig) -> str:
    """The same command finds its search again; a greater number of trials goes on with it."""
    values = [defining_values(settings), defining_values(run_settings(job))]
    return f"search-{hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]}"


def train(trial: Trial, settings: SearchSettings, arguments: list[str]) -> float:
    """One trial: a run with the proposed settings, stopped early if it lags behind.

    Raises:
        Failed: the run diverged.
        optuna.TrialPruned: the run lags behind.
    """
    job = composed([*arguments, *(f"{key}={value}" for key, value in trial.params.items())])
    path = Path(settings.directory) / run_name(_root_=job)
    score = settings.metric.removeprefix("validation_")

    def on_evaluation(measurement: Measurement) -> None:
        trial.report(measurement.values[score], measurement.step)
        if trial.should_prune():
            raise optuna.TrialPruned

    say(f"trial {trial.number}: {trial.params}")
    try:
        run(run_settings(job), run_config(job), path, on_evaluation)
    except Diverged as error:
        raise Failed(str(error)) from None
    return [row[settings.metric] for row in read_rows(path / "metrics.jsonl") if settings.metric in row][-1]


def conclude(study: Study, directory: Path, arguments: list[str]) -> None:
    """Saves every trial as CSV, and says which command gives the best one."""
    table = directory / "trials.csv"
    found = rows(study)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    print(f"{len(found)} trials: {table}")
    winner = best(study)
    if winner is not None:
        own = [text for text in arguments if not text.startswith(CONFIG)]
        command = ["python", "-m", "src.train", *own, *(f"{key}={value}" for key, value in winner.params.items())]
        print(f"best: {winner.value:.4f} by {shlex.join(command)}")


if __name__ == "__main__":
    main()
