"""A search for learning rate and weight decay, and what it gains over the recipe.

`python -m experiments.search [scale=full]` searches as `python -m src.search` does (`conf/study/search.yaml` says how
long) and writes `search/SCALE/{table.md,results.json,coordinates.png,history.png}`. Optuna's TPE (Bergstra et
al. 2011) proposes the trials, and its median rule prunes them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any

from optuna.trial import FrozenTrial
from pydantic import Field, model_validator

from src.config.errors import UserError
from src.plots.searches import AxisScale, State, Tried, parallel_coordinates, search_history
from src.studies.command import run_study
from src.studies.comparison import Comparison
from src.studies.estimates import Estimate, estimate, verdicts
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.studies.runs import QUIET, StudyRun, finish, usable
from src.studies.settings import SeededScale
from src.studies.variants import Variant
from src.tuning.runs import changes, planned, searched
from src.tuning.settings import Dimension
from src.tuning.study import best, ended

RECIPE, BEST = "recipe", "best trial"
"""The two variants."""

SCORE = "validation accuracy (%)"
ENDS: dict[str, State] = {"complete": "complete", "pruned": "pruned", "fail": "failed"}
"""Final states of trials: Optuna's names and ours."""


class SearchScale(SeededScale):
    """One size of the study.

    Attributes:
        trials: total number of trials.
        search_seed: of the trials. It differs from the seeds of the comparison, because the best trial is also the
            luckiest one with its own seed.
    """

    trials: Annotated[int, Field(gt=0)]
    search_seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _check_search_seed(self) -> "SearchScale":
        if self.search_seed in self.seeds:
            raise ValueError(f"search_seed={self.search_seed} is among the seeds {self.seeds}, which compare")
        return self

    @property
    def arguments(self) -> list[str]:
        """Of `src.search`."""
        return [*self.common, QUIET, f"seed={self.search_seed}", f"search.trials={self.trials}"]


@dataclass(frozen=True)
class Found:
    """Results of a variant.

    Attributes:
        name: of it.
        settings: values of the searched settings, by their keys.
        validation_accuracy: in percent, of the run with the seed of the search; None if it did not finish.
        test_accuracy: in percent.
    """

    name: str
    settings: dict[str, Any]
    validation_accuracy: float | None
    test_accuracy: Estimate


def main() -> None:
    """Searches, compares, and reports, scale by scale."""
    run_study("search", SearchScale, report)


def report(name: str, scale: SearchScale) -> None:
    """One scale, from its trials to its files.

    Raises:
        UserError: a searched setting has no range, no trial was completed, or no seed has finished runs of both
            variants.
    """
    space = planned(scale.arguments).settings.space
    scales = [as_scale(each) for each in space]
    study, directory = searched(scale.arguments)
    winner, trials = best(study), ended(study)
    if winner is None:
        raise UserError(f"none of {len(trials)} trials was completed; see {directory}")
    comparison = Comparison.trained(
        [Variant(RECIPE, (*scale.common,)), Variant(BEST, (*scale.common, *changes(winner.params)))], scale.seeds
    )
    gain = estimate(comparison.differences(RECIPE, BEST))
    searched_with = {variant.name: variant.run(scale.search_seed) for variant in comparison.variants}
    finish(searched_with.values())
    rows = [describe(name, comparison, space, run) for name, run in searched_with.items()]
    states = Counter(trial.state.name.lower() for trial in trials)
    facts = {
        "arms": by_name(rows),
        "gain": gain,
        "states": states,
        "trials": [as_record(trial) for trial in trials],
        "search": str(directory),
        "runs": comparison.records(),
    }
    tried = [as_tried(trial) for trial in trials]
    figures = {
        "coordinates": parallel_coordinates(tried, scales, SCORE),
        "history": search_history(tried, SCORE, rows[0].validation_accuracy),
    }
    write_results(name, facts, figures=figures, table=as_table(rows, states, gain))


def describe(name: str, comparison: Comparison, space: Sequence[Dimension], searched_with: StudyRun) -> Found:
    """Results of a variant."""
    settings = comparison.first_run(name).settings
    return Found(
        name=name,
        settings={each.key: reduce(getattr, each.key.split("."), settings) for each in space},
        validation_accuracy=100 * searched_with.last("validation_accuracy") if usable(searched_with) else None,
        test_accuracy=estimate([100 - error for error in comparison.errors(name).values()]),
    )


def as_table(rows: Sequence[Found], states: Mapping[str, int], gain: Estimate) -> str:
    """A table of the best trial and the recipe, the final states of the trials, and the gain of the search."""
    return f"{table(columns(rows[0].settings), rows)}\n{in_words(states, gain)}"


def columns(settings: Iterable[str]) -> Columns[Found]:
    """Columns of the table: settings, then scores."""
    values = {short(key): lambda row, key=key: f"{row.settings[key]:.3g}" for key in settings}
    return {
        "": lambda row: row.name,
        **values,
        "validation accuracy %": lambda row: (
            "" if row.validation_accuracy is None else f"{row.validation_accuracy:.2f}"
        ),
        "test accuracy %": lambda row: row.test_accuracy,
        "n": lambda row: row.test_accuracy.n,
    }


def in_words(states: Mapping[str, int], gain: Estimate) -> str:
    """The final states of the trials and the gain of the search, as text."""
    ended = ", ".join(f"{states.get(state, 0)} {word}" for state, word in ENDS.items())
    gains = verdicts({f"{BEST} − {RECIPE} in test accuracy, points of percent": gain})
    return f"- {sum(states.values())} trials: {ended}\n{gains}"


def as_record(trial: FrozenTrial) -> dict[str, Any]:
    """A trial as JSON values, with its intermediate scores."""
    return {
        "trial": trial.number,
        "state": trial.state.name.lower(),
        "score": trial.value,
        "settings": trial.params,
        "scores": trial.intermediate_values,
    }


def as_tried(trial: FrozenTrial) -> Tried:
    """A trial for the figures."""
    score = None if trial.value is None else 100 * trial.value
    return Tried(ENDS[trial.state.name.lower()], score, [*trial.params.values()])


def as_scale(dimension: Dimension) -> AxisScale:
    """The axis of a searched setting.

    Raises:
        UserError: it has no range.
    """
    if dimension.low is None or dimension.high is None:
        raise UserError(f"{dimension.key} has choices; the figures of this study show ranges")
    return AxisScale(short(dimension.key), dimension.low, dimension.high, dimension.log)


def short(key: str) -> str:
    """The name of a setting in tables and figures."""
    return key.rpartition(".")[2].replace("_", " ")


if __name__ == "__main__":
    main()
