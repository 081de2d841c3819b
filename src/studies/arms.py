"""The arms of a comparison: what differs between them, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.errors import UserError
from .runs import StudyRun, finish, planned, usable

LEARNING_RATE = "optimizer.learning_rate"
"""What most studies give each arm its best value of."""


@dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
        name: in tables and figures.
        arguments: of `src.train`, without the seed.
    """

    name: str
    arguments: tuple[str, ...]

    def value(self, key: str) -> str:
        """What it sets a setting to.

        Raises:
            KeyError: it does not set it.
        """
        return dict(text.split("=", 1) for text in self.arguments)[key]

    def run(self, seed: int, *more: str) -> StudyRun:
        """Its run with a seed; all arms see the same examples in the same order with the same one."""
        return planned([*self.arguments, *more, f"seed={seed}"])


def tuned(arms: Sequence[Arm], key: str, values: Sequence[float], seed: int) -> list[Arm]:
    """Each arm at the value with which it scores best on the validation split.

    Args:
        arms: as they are without the setting.
        key: the setting.
        values: to choose from; where there is only one, nothing has to be run.
        seed: of the runs that decide.

    Raises:
        UserError: no value of an arm gave a finished run, or there is nothing to choose it on.
    """
    if len(values) == 1:
        return [Arm(arm.name, (*arm.arguments, f"{key}={values[0]}")) for arm in arms]
    check_names(arms)
    trials = [Arm(arm.name, (*arm.arguments, f"{key}={value}")) for arm in arms for value in values]
    runs = {trial: trial.run(seed) for trial in trials}
    for trial, run in runs.items():
        if not run.settings.dataset().spec.validation:
            raise UserError(f"{trial.name}: {key} is chosen on the validation split, and data.validation=0")
    finish(runs.values())
    scores = {trial: run.last("validation_accuracy") for trial, run in runs.items() if usable(run)}
    best = []
    for arm in arms:
        own = [trial for trial in scores if trial.name == arm.name]
        if not own:
            raise UserError(f"{arm.name}: no run finished with {key} among {', '.join(map(str, values))}")
        best.append(max(own, key=scores.__getitem__))
    return best


def finished_runs(arms: Sequence[Arm], seeds: Sequence[int]) -> dict[str, dict[int, StudyRun]]:
    """Runs every arm with every seed; all arms with one seed before any with the next, so that n grows evenly.

    Returns:
        The finished runs of each arm by its name and the seed.
    """
    check_names(arms)
    runs = {(arm.name, seed): arm.run(seed) for seed in seeds for arm in arms}
    finish(runs.values())
    return {arm.name: {seed: runs[arm.name, seed] for seed in seeds if usable(runs[arm.name, seed])} for arm in arms}


def records(runs: Mapping[str, Mapping[int, StudyRun]]) -> list[dict[str, Any]]:
    """Where the numbers of all runs come from."""
    return [run.record() for own in runs.values() for run in own.values()]


def check_names(arms: Sequence[Arm]) -> None:
    """Arms that have one name would be taken for one.

    Raises:
        UserError: two of them do.
    """
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two arms are called {name!r}")
