"""What AlexNet changed and what came after it, one change at a time (chapter Figs 9, 10, 28 and 31).

Krizhevsky et al. 2012 (NeurIPS): ReLU and cross-entropy for tanh and squared error, dropout, local response
normalization, two groups of channels; then global pooling for dense layers, and GoogLeNet's auxiliary heads.

`python -m experiments.alexnet_changes [profile=full]` trains what is not trained yet (`conf/study/alexnet_changes.yaml`
says what) and writes `alexnet_changes/STAGE/{table.md,results.json,differences.png}`.
"""

import logging
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from src.config.errors import did_you_mean, reported
from src.config.settings import Settings
from src.plots.differences import Difference, differences_figure
from src.studies.estimates import Estimate, estimate
from src.studies.output import arguments
from src.studies.results import markdown, write_results
from src.studies.runs import StudyRun
from src.studies.scores import error_difference, final_errors, first_run
from src.studies.settings import SeededStage, StudySettings, read_study
from src.studies.variants import LEARNING_RATE, Variant, finished_runs, records, tuned
from src.training.interruption import resumable

log = logging.getLogger(__name__)


class SideSettings(Settings):
    """One variant of a pair: its name, and the settings of `src.train` that are its own."""

    name: str
    settings: list[str]


class PairSettings(Settings):
    """Two variants that differ in one thing.

    Attributes:
        what: it is.
        claim: what the chapter or a paper says of it, in a few words, or null.
        shared: settings of `src.train` that both variants have.
        a: the variant before the change.
        b: the variant after it.
        learning_rates: from which each variant gets its best.
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


class ChangesStage(SeededStage):
    """One size of the study.

    Attributes:
        pairs: by name, with settings of `src.train` for both variants of each.
    """

    pairs: Annotated[dict[str, list[str]], Field(min_length=1)]


class ChangesSettings(StudySettings[ChangesStage]):
    """The study in its sizes.

    Attributes:
        pairs: by name.
    """

    pairs: dict[str, PairSettings]

    @model_validator(mode="after")
    def _check_pairs(self) -> "ChangesSettings":
        for stage in self.stages.values():
            for name in stage.pairs:
                if name not in self.pairs:
                    raise ValueError(f"there is no pair {name!r}{did_you_mean(name, self.pairs)}")
        return self

    def candidates(self, stage: ChangesStage) -> dict[str, list[Variant]]:
        """The variants of each pair of a stage."""
        return {name: self.pairs[name].variants(name, [*stage.common, *more]) for name, more in stage.pairs.items()}


class Side(NamedTuple):
    """What came of one variant of a pair; accuracies are in percent."""

    name: str
    accuracy: Estimate
    parameters: int
    learning_rate: str


class Compared(NamedTuple):
    """What came of a pair; the difference is that of b over a, seed by seed, in points of percent."""

    what: str
    claim: str | None
    a: Side
    b: Side
    difference: Estimate


def main() -> None:
    """Trains, compares, and reports, stage by stage."""
    with reported(), resumable():
        settings = read_study(ChangesSettings, "alexnet_changes", arguments())
        for name, stage in settings.chosen().items():
            report(f"alexnet_changes/{name}", settings, stage)


def report(name: str, settings: ChangesSettings, stage: ChangesStage) -> None:
    """One stage, from its runs to its files."""
    variants = {
        pair: tuned(found, LEARNING_RATE, settings.pairs[pair].learning_rates, stage.seeds[0])
        for pair, found in settings.candidates(stage).items()
    }
    runs = finished_runs([variant for pair in variants.values() for variant in pair], stage.seeds)
    found = {}
    for pair, both in variants.items():
        result = compare(settings.pairs[pair], both, runs)
        if result is None:
            log.warning("left out: no seed has finished runs of both variants of %s", pair)
        else:
            found[pair] = result
    record = {
        "pairs": {pair: as_record(result) for pair, result in found.items()},
        "runs": records(runs),
    }
    figure = differences_figure(
        [as_difference(one) for one in found.values()], "test accuracy, B − A (points of percent)"
    )
    write_results(name, record, figures={"differences": figure}, table=as_table(found))


def compare(pair: PairSettings, variants: list[Variant], runs: Mapping[str, Mapping[int, StudyRun]]) -> Compared | None:
    """What came of a pair with the seeds that both variants finished; nothing if there are none."""
    before, after = (runs[variant.name] for variant in variants)
    seeds = sorted(before.keys() & after.keys())
    if not seeds:
        return None
    a, b = (
        describe(side.name, variant, {seed: runs[variant.name][seed] for seed in seeds})
        for side, variant in zip((pair.a, pair.b), variants, strict=True)
    )
    return Compared(pair.what, pair.claim, a, b, error_difference(before, after))


def describe(name: str, variant: Variant, runs: Mapping[int, StudyRun]) -> Side:
    """What came of one variant."""
    found = estimate([100 - error for error in final_errors(runs).values()])
    return Side(name, found, first_run(runs).results()["parameters"], variant.value(LEARNING_RATE))


def as_difference(one: Compared) -> Difference:
    """A comparison as the figure shows it."""
    return Difference(one.what, one.a.name, one.b.name, one.difference.mean, one.difference.low, one.difference.high)


def as_record(found: Compared) -> dict[str, Any]:
    """A comparison as JSON can say it."""
    sides = {
        key: side._asdict() | {"accuracy": side.accuracy._asdict()} for key, side in (("a", found.a), ("b", found.b))
    }
    return found._asdict() | sides | {"difference": found.difference._asdict()}


def as_table(found: Mapping[str, Compared]) -> str:
    """One row for each pair."""
    heads = ["what", "A", "B", "accuracy A %", "accuracy B %", "B − A", "95 % interval", "n", "parameters A"]
    rows = [
        [
            one.what,
            one.a.name,
            one.b.name,
            one.a.accuracy,
            one.b.accuracy,
            f"{one.difference.mean:+.2f}",
            one.difference.interval,
            one.difference.n,
            f"{one.a.parameters:,}",
            f"{one.b.parameters:,}",
            one.claim or "",
        ]
        for one in found.values()
    ]
    return markdown([*heads, "parameters B", "what the chapter says"], rows)


if __name__ == "__main__":
    main()
