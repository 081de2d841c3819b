"""Scores of the finished runs of a variant."""

from collections.abc import Mapping, Sequence

from ..tracking.sinks import Row
from .runs import StudyRun


def final_errors(runs: Mapping[int, StudyRun]) -> dict[int, float]:
    """Errors of the final networks on the test split, in percent, by seed."""
    return {seed: 100 * (1 - run.results()["test_accuracy"]) for seed, run in runs.items()}


def error_curve(rows: Sequence[Row], split: str) -> tuple[list[int], list[float]]:
    """Steps and errors in percent; on training images as they were met, randomly changed, as in papers."""
    name = f"{split}_accuracy"
    points = [(int(row["step"]), 100 * (1 - row[name])) for row in rows if name in row]
    return [step for step, _ in points], [error for _, error in points]


def share_curve(rows: Sequence[Row], name: str) -> tuple[list[int], list[float]]:
    """Steps and values in percent of a measure that is a share."""
    points = [(int(row["step"]), 100 * row[name]) for row in rows if name in row]
    return [step for step, _ in points], [share for _, share in points]


def guessing_error(run: StudyRun) -> float:
    """Of a network that names any class, in percent."""
    return 100 * (1 - 1 / run.settings.dataset().spec.classes)


def first_run(runs: Mapping[int, StudyRun]) -> StudyRun:
    """One run of a variant, for what does not depend on the seed."""
    return next(iter(runs.values()))
