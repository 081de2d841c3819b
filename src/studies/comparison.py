"""Comparisons: variants of a network, trained with the same seeds, and differences of their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.errors import UserError
from .estimates import contrasts
from .runs import StudyRun
from .scores import final_errors, first_run
from .variants import LEARNING_RATE, Variant, finished_runs, tuned


@dataclass(frozen=True)
class Comparison:
    """Variants with finished runs, and these runs.

    Attributes:
        variants: with the settings that they were trained with.
        runs: by the variant's name and the seed.
    """

    variants: tuple[Variant, ...]
    runs: Mapping[str, Mapping[int, StudyRun]]

    @staticmethod
    def trained(variants: Sequence[Variant], seeds: Sequence[int]) -> "Comparison":
        """Trains every variant with every seed; variants without a finished run are left out."""
        runs = {name: own for name, own in finished_runs(variants, seeds).items() if own}
        return Comparison(tuple(variant for variant in variants if variant.name in runs), runs)

    @staticmethod
    def tuned(variants: Sequence[Variant], learning_rates: Sequence[float], seeds: Sequence[int]) -> "Comparison":
        """The same, each variant with its best learning rate, chosen with the first seed.

        Raises:
            UserError: see `tuned`.
        """
        return Comparison.trained(tuned(variants, LEARNING_RATE, learning_rates, seeds[0]), seeds)

    def check_reference(self, name: str) -> None:
        """Checks that the reference variant has finished runs.

        Raises:
            UserError: it has none.
        """
        if name not in self.runs:
            raise UserError(f"{name}: no run finished, and the others are compared to it")

    def first_run(self, name: str) -> StudyRun:
        """A run of a variant, for properties that do not depend on the seed."""
        return first_run(self.runs[name])

    def errors(self, name: str) -> dict[int, float]:
        """Errors on the test split, in percent, by seed."""
        return final_errors(self.runs[name])

    def differences(self, first: str, second: str) -> list[float]:
        """Test errors of the first variant minus those of the second, seed by seed, in points of percent.

        Raises:
            UserError: no seed has both.
        """
        return contrasts({name: self.errors(name) for name in self.runs}, [(1, first), (-1, second)])

    def records(self) -> list[dict[str, Any]]:
        """Provenance records of all runs."""
        return [run.record() for own in self.runs.values() for run in own.values()]
