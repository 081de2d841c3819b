"""What AlexNet changed and what came after it, one change at a time (chapter Figs 9, 10, 28 and 31).

Krizhevsky et al. 2012 (NeurIPS): ReLU and cross-entropy for tanh and squared error, dropout, local response
normalization, two groups of channels; then global pooling for dense layers, and GoogLeNet's auxiliary heads.

`python -m experiments.alexnet_changes [scale=full]` trains what is not trained yet (`conf/study/alexnet_changes.yaml`
says what) and writes `alexnet_changes/SCALE/{table.md,results.json,differences.png}`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from src.config.errors import did_you_mean, reported
from src.config.settings import Settings
from src.plots.differences import Difference, differences_figure
from src.studies.comparison import Comparison
from src.studies.estimates import Estimate, estimate
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import Columns, table
from src.studies.runs import StudyRun
from src.studies.scores import final_errors, first_run
from src.studies.settings import SeededScale, StudySettings, read_study
from src.studies.variants import LEARNING_RATE, Variant, tuned
from src.training.interruption import resumable

log = logging.getLogger(__name__)


class SideSettings(Settings):
    """One variant of a pair: its name, and its own settings of `src.train`."""

    name: str
    settings: list[str]


class PairSettings(Settings):
    """Two variants that differ in one change.

    Attributes:
        what: the change.
        claim: of the chapter or a paper about it, in a few words, or null.
        shared: settings of `src.train` that both variants have.
        a: the variant before the change.
        b: the variant after it.
        learning_rates: candidates; each variant uses its best.
    """

    what: str
    claim: str | None
    shared: list[str]
    a: SideSettings
    b: SideSettings
    learning_rates: Annotated[list[float], Field(min_length=1)]

    def variants(self, name: str, more: list[str]) -> list[Variant]:
        """Both variants, still without a learning rate; `more` settings are added to those of the pair."""
        return [
            Variant(f"{name}: {side.name}", (*more, *self.shared, *side.settings)) for side in (self.a, self.b)
        ]  # fmt: skip


class ChangesScale(SeededScale):
    """One size of the study.

    Attributes:
        pairs: by name, with settings of `src.train` for both variants of each.
    """

    pairs: Annotated[dict[str, list[str]], Field(min_length=1)]


class ChangesSettings(StudySettings[ChangesScale]):
    """The study in its sizes.

    Attributes:
        pairs: by name.
    """

    pairs: dict[str, PairSettings]

    @model_validator(mode="after")
    def _check_pairs(self) -> "ChangesSettings":
        for scale in self.scales.values():
            for name in scale.pairs:
                if name not in self.pairs:
                    raise ValueError(f"there is no pair {name!r}{did_you_mean(name, self.pairs)}")
        return self

    def candidates(self, scale: ChangesScale) -> dict[str, list[Variant]]:
        """The variants of each pair of a scale."""
        return {name: self.pairs[name].variants(name, [*scale.common, *more]) for name, more in scale.pairs.items()}


@dataclass(frozen=True)
class Side:
    """Results of one variant of a pair; accuracies are in percent."""

    name: str
    accuracy: Estimate
    parameters: int
    learning_rate: str


@dataclass(frozen=True)
class Compared:
    """Results of a pair; the difference is b minus a by seed, in percentage points."""

    what: str
    claim: str | None
    a: Side
    b: Side
    difference: Estimate


COLUMNS: Columns[Compared] = {
    "what": lambda row: row.what,
    "A": lambda row: row.a.name,
    "B": lambda row: row.b.name,
    "accuracy A %": lambda row: row.a.accuracy,
    "accuracy B %": lambda row: row.b.accuracy,
    "B − A": lambda row: f"{row.difference.mean:+.2f}",
    "95 % interval": lambda row: row.difference.interval,
    "n": lambda row: row.difference.n,
    "parameters A": lambda row: f"{row.a.parameters:,}",
    "parameters B": lambda row: f"{row.b.parameters:,}",
    "what the chapter says": lambda row: row.claim or "",
}


def main() -> None:
    """Trains, compares, and reports, scale by scale."""
    with reported(), resumable():
        settings = read_study(ChangesSettings, "alexnet_changes", arguments())
        for name, scale in settings.chosen().items():
            report(f"alexnet_changes/{name}", settings, scale)


def report(name: str, settings: ChangesSettings, scale: ChangesScale) -> None:
    """One scale, from its runs to its files."""
    variants = {
        pair: tuned(found, LEARNING_RATE, settings.pairs[pair].learning_rates, scale.seeds[0])
        for pair, found in settings.candidates(scale).items()
    }
    comparison = Comparison.trained([variant for both in variants.values() for variant in both], scale.seeds)
    found = {}
    for pair, both in variants.items():
        result = compare(settings.pairs[pair], both, comparison)
        if result is None:
            log.warning("left out: no seed has finished runs of both variants of %s", pair)
        else:
            found[pair] = result
    figure = differences_figure(
        [as_difference(one) for one in found.values()], "test accuracy, B − A (points of percent)"
    )
    facts = {"pairs": found, "runs": comparison.records()}
    write_results(name, facts, figures={"differences": figure}, table=table(COLUMNS, found.values()))


def compare(pair: PairSettings, variants: list[Variant], comparison: Comparison) -> Compared | None:
    """Results of a pair for the seeds that both variants finished; None if there are none."""
    before, after = (comparison.runs.get(variant.name, {}) for variant in variants)
    seeds = sorted(before.keys() & after.keys())
    if not seeds:
        return None
    a, b = (
        describe(side.name, variant, {seed: comparison.runs[variant.name][seed] for seed in seeds})
        for side, variant in zip((pair.a, pair.b), variants, strict=True)
    )
    difference = estimate(comparison.differences(*(variant.name for variant in variants)))
    return Compared(pair.what, pair.claim, a, b, difference)


def describe(name: str, variant: Variant, runs: Mapping[int, StudyRun]) -> Side:
    """Results of one variant."""
    found = estimate([100 - error for error in final_errors(runs).values()])
    return Side(name, found, first_run(runs).results()["parameters"], variant.value(LEARNING_RATE))


def as_difference(one: Compared) -> Difference:
    """A comparison as the figure shows it."""
    return Difference(one.what, one.a.name, one.b.name, one.difference.mean, one.difference.low, one.difference.high)


if __name__ == "__main__":
    main()
