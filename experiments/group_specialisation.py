"""Whether AlexNet's two groups of filters specialise, one in colours and one in brightness.

Krizhevsky et al. 2012 (NeurIPS), section 6.1 and Fig. 3; chapter Figs 28 and 45.

`python -m experiments.group_specialisation [scale=full]` trains what is not trained yet
(`conf/study/group_specialisation.yaml` says what) and writes
`group_specialisation/SCALE/{table.md,results.json,filters.png}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field

from src.config.errors import UserError
from src.interpret.groups import Difference, colour_shares, first_filters, halves_differ
from src.plots.groups import Group, groups_figure
from src.studies.command import run_study
from src.studies.comparison import Comparison
from src.studies.results import write_results
from src.studies.rows import Columns, table
from src.studies.runs import StudyRun
from src.studies.settings import SeededScale
from src.studies.variants import Variant

LEVEL = 0.05
"""Significance level of the permutation test."""


class GroupScale(SeededScale):
    """One size of the study.

    Attributes:
        networks: by name, what each sets.
    """

    networks: Annotated[dict[str, list[str]], Field(min_length=1)]


@dataclass(frozen=True)
class Measured:
    """Results of one run.

    Attributes:
        test_accuracy: a part of 1.
        shares: share of the energy of each first-layer filter in differences between colours.
        trained: difference of these shares between the two halves of the filters.
        before_training: the same before training.
    """

    test_accuracy: float
    shares: list[float]
    trained: Difference
    before_training: Difference


class Row(NamedTuple):
    """A run in the table."""

    network: str
    seed: int
    run: Measured


COLUMNS: Columns[Row] = {
    "network": lambda row: row.network,
    "seed": lambda row: row.seed,
    "test accuracy %": lambda row: f"{100 * row.run.test_accuracy:.2f}",
    "colour, first half %": lambda row: f"{100 * row.run.trained.means[0]:.1f}",
    "second half %": lambda row: f"{100 * row.run.trained.means[1]:.1f}",
    "difference": lambda row: f"{100 * row.run.trained.difference:.1f}",
    "p": lambda row: f"{row.run.trained.p:.4f}",
    "difference before training": lambda row: f"{100 * row.run.before_training.difference:.1f}",
    "p before": lambda row: f"{row.run.before_training.p:.4f}",
}


def main() -> None:
    """Trains, measures, and reports, scale by scale."""
    run_study("group_specialisation", GroupScale, report)


def report(name: str, scale: GroupScale) -> None:
    """One scale, from its runs to its files.

    Raises:
        UserError: no run came to its end.
    """
    variants = [Variant(network, (*scale.common, *own)) for network, own in scale.networks.items()]
    comparison = Comparison.trained(variants, scale.seeds)
    found = {
        network: {seed: measure(run, seed) for seed, run in own.items()} for network, own in comparison.runs.items()
    }
    if not found:
        raise UserError(f"{name}: no run finished")
    pictures = {network: halves(own[min(own)]) for network, own in comparison.runs.items()}
    facts = {"networks": found, "runs": comparison.records()}
    write_results(name, facts, figures={"filters": groups_figure(pictures)}, table=as_table(found))


def measure(run: StudyRun, seed: int) -> Measured:
    """Analyses the first layer of a finished run, before and after training."""
    finished = run.loaded()
    network, state = finished.engine.network, finished.engine.init_state()
    before, after = (colour_shares(first_filters(network.module(each))) for each in (state, finished.state))
    return Measured(
        test_accuracy=run.results()["test_accuracy"],
        shares=after.tolist(),
        trained=halves_differ(after, seed),
        before_training=halves_differ(before, seed),
    )


def halves(run: StudyRun) -> tuple[Group, Group]:
    """The filters of both groups of a finished run."""
    filters = first_filters(run.loaded().module)
    shares, middle = colour_shares(filters), filters.shape[-1] // 2
    return Group(filters[..., :middle], shares[:middle]), Group(filters[..., middle:], shares[middle:])


def as_table(found: Mapping[str, Mapping[int, Measured]]) -> str:
    """A table with a row per run, and the number of runs with significant differences."""
    rows = [Row(network, seed, run) for network, own in found.items() for seed, run in own.items()]
    return f"{table(COLUMNS, rows)}\n{verdict(found)}"


def verdict(found: Mapping[str, Mapping[int, Measured]]) -> str:
    """The number of runs of each network with significant differences."""
    return "".join(
        f"- {network}: the groups differ (p < {LEVEL}) with {sum(one.trained.p < LEVEL for one in own.values())} "
        f"of {len(own)} seeds\n"
        for network, own in found.items()
    )


if __name__ == "__main__":
    main()
