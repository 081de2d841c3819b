"""Scores of the finished runs of a variant, and differences between two variants."""

from collections.abc import Mapping, Sequence

from ..config.errors import UserError
from ..tracking.sinks import Row
from .estimates import Estimate, estimate
from .runs import StudyRun


def final_errors(runs: Mapping[int, StudyRun]) -> dict[int, float]:
    """Errors of the final networks on the test split, in percent, by seed."""
    return {seed: 100 * (1 - run.results()["test_accuracy"]) for seed, run in runs.items()}


def error_curve(rows: Sequence[Row], split: str) -> tuple[list[int], list[float]]:
    """Steps and errors in percent; on training images as they were met, randomly changed, as in papers."""
    name = f"{split}_accuracy"
    points = [(int(row["step"]), 100 * (1 - row[name])) for row in rows if name in row]
    return [step for step, _ in points], [error for _, error in points]


def guessing_error(run: StudyRun) -> float:
    """Of a network that names any class, in percent."""
    return 100 * (1 - 1 / run.settings.dataset().spec.classes)


def first_run(runs: Mapping[int, StudyRun]) -> StudyRun:
    """One run of a variant, for what does not depend on the seed."""
    return next(iter(runs.values()))


def reference_runs(runs: Mapping[str, Mapping[int, StudyRun]], variant: str) -> Mapping[int, StudyRun]:
    """The finished runs of the variant that others are compared to.

    Raises:
        UserError: it has none.
    """
    if not runs.get(variant):
        raise UserError(f"{variant}: no run finished, and the others are compared to it")
    return runs[variant]


def error_differences(first: Mapping[int, StudyRun], second: Mapping[int, StudyRun]) -> list[float]:
    """Test errors of the first variant minus those of the second, seed by seed, in points of percent.

    Raises:
        UserError: no seed has both.
    """
    errors, others = final_errors(first), final_errors(second)
    seeds = [seed for seed in errors if seed in others]
    if not seeds:
        raise UserError("two variants have no finished run with the same seed")
    return [errors[seed] - others[seed] for seed in seeds]


def error_difference(first: Mapping[int, StudyRun], second: Mapping[int, StudyRun]) -> Estimate:
    """The mean of these differences."""
    return estimate(error_differences(first, second))
