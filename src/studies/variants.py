"""Variants of a comparison: settings that differ only where they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..config.errors import UserError
from .runs import StudyRun, finish, planned, usable

LEARNING_RATE = "optimizer.learning_rate"
"""The setting that most studies tune for each variant."""


@dataclass(frozen=True)
class Variant:
    """One variant.

    Attributes:
        name: in tables and figures.
        arguments: of `src.train`, without the seed.
    """

    name: str
    arguments: tuple[str, ...]

    def value(self, key: str) -> str:
        """The value of a setting.

        Raises:
            KeyError: the variant does not set it.
        """
        return dict(text.split("=", 1) for text in self.arguments)[key]

    def run(self, seed: int, *more: str) -> StudyRun:
        """Its run with a seed; with equal seeds all variants see the same examples in the same order."""
        return planned([*self.arguments, *more, f"seed={seed}"])


def tuned(variants: Sequence[Variant], key: str, values: Sequence[float], seed: int) -> list[Variant]:
    """Each variant with the value that scores best on the validation split.

    Args:
        variants: without the setting.
        key: name of the setting.
        values: candidates; with only one, nothing is trained.
        seed: of the tuning runs.

    Raises:
        UserError: a variant has no finished run, or there is no validation split.
    """
    if len(values) == 1:
        return [Variant(variant.name, (*variant.arguments, f"{key}={values[0]}")) for variant in variants]
    check_names(variants)
    trials = [Variant(variant.name, (*variant.arguments, f"{key}={value}")) for variant in variants for value in values]
    runs = {trial: trial.run(seed) for trial in trials}
    for trial, run in runs.items():
        if not run.settings.dataset().spec.validation:
            raise UserError(f"{trial.name}: {key} is chosen on the validation split, and data.validation=0")
    finish(runs.values())
    scores = {trial: run.validation_score() for trial, run in runs.items() if usable(run)}
    best = []
    for variant in variants:
        own = [trial for trial in scores if trial.name == variant.name]
        if not own:
            raise UserError(f"{variant.name}: no run finished with {key} among {', '.join(map(str, values))}")
        best.append(max(own, key=scores.__getitem__))
    return best


def finished_runs(variants: Sequence[Variant], seeds: Sequence[int]) -> dict[str, dict[int, StudyRun]]:
    """Trains every variant with every seed, seed by seed, so that an interrupted study has equal n for all variants.

    Returns:
        The finished runs of each variant by its name and the seed.
    """
    check_names(variants)
    runs = {(variant.name, seed): variant.run(seed) for seed in seeds for variant in variants}
    finish(runs.values())
    return {
        variant.name: {seed: runs[variant.name, seed] for seed in seeds if usable(runs[variant.name, seed])}
        for variant in variants
    }


def check_names(variants: Sequence[Variant]) -> None:
    """Checks that the names of variants are unique.

    Raises:
        UserError: two variants have the same name.
    """
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two variants are called {name!r}")
