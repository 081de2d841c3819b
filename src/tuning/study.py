"""An Optuna study on disk, which survives interruptions: trials are counted over all starts.

Proposals of Optuna's TPE (Bergstra et al. 2011) depend only on the seed and the earlier trials, so a resumed study
makes the same proposals as an uninterrupted one.
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
    """The trial has no score, for example because it diverged."""


class Held(JournalFileOpenLock):
    """A lock of the journal that does nothing, because there is only one writer.

    Optuna's locks are files. A killed process leaves them behind, and the next one would wait for them.
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
    """Truncates an incomplete last line, left by a killed process or a full disk; nothing could be appended to it."""
    if journal.exists():
        written = journal.read_bytes()
        os.truncate(journal, written.rfind(b"\n") + 1)


def search(study: Study, settings: SearchSettings, seed: int, objective: Objective) -> None:
    """Runs trials until there are `settings.trials`.

    Args:
        study: with the trials so far; trials whose process was killed are queued again.
        settings: of the search.
        seed: of the proposals.
        objective: trains with the parameters of the trial, reports intermediate scores to it and returns the score. It
            raises `optuna.TrialPruned` when pruned, and `Failed` without a score.
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
    """The seed of the proposal after `trial` trials; different for other searches, also for neighbouring seeds."""
    return int(np.random.SeedSequence([seed, trial]).generate_state(1)[0])


def ended(study: Study) -> list[FrozenTrial]:
    """The trials that count: complete, pruned, and failed by themselves."""
    return [
        trial
        for trial in study.trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and FAILURE in trial.user_attrs)
    ]


def requeue_orphans(study: Study) -> None:
    """Queues trials again whose process was killed, with the same parameters, so that their runs are resumed."""
    queued = {trial.user_attrs.get(ORPHAN) for trial in study.trials}
    for trial in study.get_trials(states=[TrialState.RUNNING]):
        if trial.number not in queued:
            study.enqueue_trial(trial.params, user_attrs={ORPHAN: trial.number})
        study.tell(trial.number, state=TrialState.FAIL)


def report_again(trial: Trial, study: Study) -> None:
    """Repeats the reports of the killed trial to the pruner: the resumed run does not measure these scores again."""
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
