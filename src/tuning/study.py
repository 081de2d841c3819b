"""A study on disk that survives its process: the number of trials is counted over all starts.

Optuna's TPE (Bergstra et al. 2011) proposes, from the seed and the trials that ended before alone,
so a study that was interrupted proposes what it would have proposed anyway.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from ..config.errors import say
from ..tasks.metrics import Direction
from .settings import SearchSettings

ORPHAN, FAILURE = "orphan", "failure"

Objective = Callable[[Trial], float]


class Failed(Exception):
    """A trial that has no score, such as one that diverged."""


class Held(JournalFileOpenLock):
    """The lock of a journal whose writer is alone.

    Optuna's own locks are files, which a process that is killed leaves behind; the next one would wait for them.
    """

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def open_study(settings: SearchSettings, direction: Direction, journal: Path) -> Study:
    """Opens a study, or begins it; its caller has to keep other processes out."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    forget_half_line(journal)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal), Held(str(journal)))),
        study_name="search",
        direction=direction,
        pruner=optuna.pruners.MedianPruner() if settings.prune else optuna.pruners.NopPruner(),
        load_if_exists=True,
    )


def forget_half_line(journal: Path) -> None:
    """Cuts off what a process that was killed, or a full disk, left of a line: nothing could be written after it."""
    if journal.exists():
        written = journal.read_bytes()
        os.truncate(journal, written.rfind(b"\n") + 1)


def search(study: Study, settings: SearchSettings, seed: int, objective: Objective) -> None:
    """Tries settings until there are as many trials as were asked for.

    Args:
        study: with the trials so far; those that were running when their process died are queued again.
        settings: of the search.
        seed: of the proposals.
        objective: trains with the trial's parameters and gives the score. It reports to the trial on the way; an
            `optuna.TrialPruned` ends it early, a `Failed` without a score.
    """
    requeue_orphans(study)
    distributions = {dimension.key: dimension.distribution() for dimension in settings.space}
    while len(ended(study)) < settings.trials:
        study.sampler = TPESampler(seed=proposal_seed(seed, len(ended(study))))
        trial = study.ask(distributions)
        report_again(trial, study)
        try:
            study.tell(trial, objective(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        except Failed as error:
            say(f"trial {trial.number} failed: {error}")
            trial.set_user_attr(FAILURE, str(error))
            study.tell(trial, state=TrialState.FAIL)


def proposal_seed(seed: int, trial: int) -> int:
    """Of what is proposed after so many trials; other ones for other searches, also for those with the next seed."""
    return int(np.random.SeedSequence([seed, trial]).generate_state(1)[0])


def ended(study: Study) -> list[FrozenTrial]:
    """The trials that count: those with a score, the pruned ones, and those that failed by themselves."""
    return [
        trial
        for trial in study.trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and FAILURE in trial.user_attrs)
    ]


def requeue_orphans(study: Study) -> None:
    """Queues trials again whose process died; they keep their parameters, so their runs go on where they stood."""
    queued = {trial.user_attrs.get(ORPHAN) for trial in study.trials}
    for trial in study.get_trials(states=[TrialState.RUNNING]):
        if trial.number not in queued:
            study.enqueue_trial(trial.params, user_attrs={ORPHAN: trial.number})
        study.tell(trial.number, state=TrialState.FAIL)


def report_again(trial: Trial, study: Study) -> None:
    """Tells the pruner what the orphan of this trial had reported: its run goes on and does not measure that again."""
    if ORPHAN in trial.user_attrs:
        for step, value in study.trials[trial.user_attrs[ORPHAN]].intermediate_values.items():
            trial.report(value, step)


def best(study: Study) -> FrozenTrial | None:
    """The trial with the best score, if any has one."""
    return study.best_trial if study.get_trials(states=[TrialState.COMPLETE]) else None


def rows(study: Study) -> list[dict[str, Any]]:
    """Every trial that counts, as one flat row."""
    return [
        {"trial": trial.number, "state": trial.state.name.lower(), "score": trial.value, **trial.params}
        | {"failure": trial.user_attrs.get(FAILURE, "")}
        for trial in ended(study)
    ]
