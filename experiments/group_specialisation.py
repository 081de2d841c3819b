"""Whether AlexNet's two groups of filters specialise, one in colours and one in brightness.

Krizhevsky et al. 2012 (NeurIPS), section 6.1 and Fig. 3; chapter Figs 28 and 45.

`python -m experiments.group_specialisation [profile=full]` trains what is not trained yet
(`conf/study/group_specialisation.yaml` says what) and writes
`group_specialisation/STAGE/{table.md,results.json,filters.png}`.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from src.config.errors import UserError
from src.interpret.groups import Difference, colour_shares, first_filters, halves_differ
from src.plots.groups import Group, groups_figure
from src.studies.command import run_study
from src.studies.comparison import Comparison
from src.studies.results import markdown, write_results
from src.studies.runs import StudyRun
from src.studies.settings import SeededStage
from src.studies.variants import Variant

LEVEL = 0.05
"""Groups are said to differ if random ones do so less often."""


class GroupStage(SeededStage):
    """One size of the study.

    Attributes:
        networks: by name, what each sets.
    """

    networks: Annotated[dict[str, list[str]], Field(min_length=1)]


class Measured(NamedTuple):
    """One run.

    Attributes:
        run: where it is.
        filters: of its first layer, in the end.
        shares: of their energy in differences between colours.
        found: how the halves of the filters differ in it.
        before: the same before training.
    """

    run: StudyRun
    filters: Float[np.ndarray, "h w c n"]
    shares: Float[np.ndarray, "n"]
    found: Difference
    before: Difference

    def halves(self) -> tuple[Group, Group]:
        """The filters of both groups."""
        middle = len(self.shares) // 2
        return (
            Group(self.filters[..., :middle], self.shares[:middle]),
            Group(self.filters[..., middle:], self.shares[middle:]),
        )


def main() -> None:
    """Trains, measures, and reports, stage by stage."""
    run_study("group_specialisation", GroupStage, report)


def report(name: str, stage: GroupStage) -> None:
    """One stage, from its runs to its files.

    Raises:
        UserError: no run came to its end.
    """
    variants = [Variant(network, (*stage.common, *own)) for network, own in stage.networks.items()]
    comparison = Comparison.trained(variants, stage.seeds)
    found = {
        network: {seed: measure(run, seed) for seed, run in own.items()} for network, own in comparison.runs.items()
    }
    if not found:
        raise UserError(f"{name}: no run finished")
    record = {
        "networks": {network: {seed: as_record(one) for seed, one in own.items()} for network, own in found.items()},
        "runs": comparison.records(),
    }
    pictures = {network: own[min(own)].halves() for network, own in found.items()}
    write_results(
        name, record, figures={"filters": groups_figure(pictures)}, table=f"{as_table(found)}\n{verdict(found)}"
    )


def measure(run: StudyRun, seed: int) -> Measured:
    """Looks at the first layer of a finished run, before and after training."""
    finished = run.loaded()
    network, state = finished.engine.network, finished.engine.init_state()
    before, after = (first_filters(network.module(each)) for each in (state, finished.state))
    shares = colour_shares(after)
    return Measured(run, after, shares, halves_differ(shares, seed), halves_differ(colour_shares(before), seed))


def as_record(one: Measured) -> dict[str, object]:
    """A run as JSON can say it."""
    return {
        "test_accuracy": one.run.results()["test_accuracy"],
        "shares": one.shares.tolist(),
        "trained": one.found._asdict(),
        "before_training": one.before._asdict(),
    }


def as_table(found: Mapping[str, Mapping[int, Measured]]) -> str:
    """A row for each run."""
    heads = ["network", "seed", "test accuracy %", "colour, first half %", "second half %", "difference", "p"]
    rows = [
        [
            network,
            seed,
            f"{100 * one.run.results()['test_accuracy']:.2f}",
            *(f"{100 * mean:.1f}" for mean in one.found.means),
            f"{100 * one.found.difference:.1f}",
            f"{one.found.p:.4f}",
            f"{100 * one.before.difference:.1f}",
            f"{one.before.p:.4f}",
        ]
        for network, own in found.items()
        for seed, one in own.items()
    ]
    return markdown([*heads, "difference before training", "p before"], rows)


def verdict(found: Mapping[str, Mapping[int, Measured]]) -> str:
    """In how many runs of each network the groups differ."""
    return "".join(
        f"- {network}: the groups differ (p < {LEVEL}) with {sum(one.found.p < LEVEL for one in own.values())} "
        f"of {len(own)} seeds\n"
        for network, own in found.items()
    )


if __name__ == "__main__":
    main()
