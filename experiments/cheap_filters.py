"""Cheaper forms of a convolution in one and the same network: what they save, and what they cost in accuracy.

Chapter Figs 21-24 and 39: bottlenecks, groups (Xie et al. 2016, arXiv:1611.05431), depthwise separable convolutions
(Howard et al. 2017, arXiv:1704.04861), rows and columns (Szegedy et al. 2015, arXiv:1512.00567).

`python -m experiments.cheap_filters [profile=full]` trains what is not trained yet (`conf/study/cheap_filters.yaml`
says what) and writes `cheap_filters/STAGE/{table.md,results.json,front.png,seconds.png}`.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from src.config.settings import Settings
from src.models.filter_stacks import FilterStackSettings
from src.plots.filters import Measured, accuracy_front, seconds_against_multiplications
from src.studies.command import run_study
from src.studies.costs import step_ratios, traced_costs
from src.studies.estimates import estimate
from src.studies.results import markdown, write_results
from src.studies.runs import StudyRun
from src.studies.scores import error_differences, final_errors, first_run, reference_runs
from src.studies.settings import SeededStage
from src.studies.timing import Ratio
from src.studies.variants import LEARNING_RATE, Variant, finished_runs, records, tuned

FULL = "full"
"""The block that the others are cheaper forms of."""

ROUNDS = 15
"""Training steps of each network that are timed."""

SAVED = 0.5
"""A block saves much if it costs at most this part of full filters."""

LOST = 1.0
"""An accuracy is kept if less than so many points of percent are lost."""


class BlockSettings(Settings):
    """One kind of block.

    Attributes:
        widths: of the networks that are made of it.
        arguments: of `src.train`.
    """

    widths: list[int]
    arguments: list[str]


class CheapFiltersStage(SeededStage):
    """One size of the study.

    Attributes:
        blocks: by their names; `full` is what the others are compared to.
        learning_rates: from which each network gets its best.
    """

    blocks: dict[str, BlockSettings]
    learning_rates: list[float]

    @model_validator(mode="after")
    def _check_widths(self) -> "CheapFiltersStage":
        full = self.blocks[FULL].widths if FULL in self.blocks else []
        for name, block in self.blocks.items():
            for width in block.widths:
                if width not in full:
                    raise ValueError(f"{name} is {width} wide, and no block named {FULL!r} is")
        return self

    def variants(self) -> dict[tuple[str, int], Variant]:
        """All networks by kind and width."""
        return {
            (kind, width): Variant(f"{kind}, {width}", (*self.common, *block.arguments, f"model.width={width}"))
            for kind, block in self.blocks.items()
            for width in block.widths
        }


def main() -> None:
    """Trains, measures, and reports, stage by stage."""
    run_study("cheap_filters", CheapFiltersStage, report)


def report(name: str, stage: CheapFiltersStage) -> None:
    """One stage, from its runs to its files."""
    variants = stage.variants()
    best = tuned(list(variants.values()), LEARNING_RATE, stage.learning_rates, stage.seeds[0])
    rates = {variant.name: variant.value(LEARNING_RATE) for variant in best}
    runs = {variant: found for variant, found in finished_runs(best, stage.seeds).items() if found}
    full = {width: reference_runs(runs, variants[FULL, width].name) for width in stage.blocks[FULL].widths}
    firsts = {variant: first_run(own) for variant, own in runs.items()}
    seconds = step_ratios({FULL: first_run(full[max(full)]), **firsts}, ROUNDS)
    facts = [
        {
            "kind": kind,
            "width": width,
            "learning_rate": rates[variant.name],
            "seconds": seconds[variant.name]._asdict(),
            **describe(runs[variant.name], full[width]),
        }
        for (kind, width), variant in variants.items()
        if variant.name in runs
    ]
    networks = [as_point(own) for own in facts]
    write_results(
        name,
        {"networks": facts, "runs": records(runs)},
        figures={"front": accuracy_front(networks), "seconds": seconds_against_multiplications(networks)},
        table=f"{as_table(facts)}\n{criteria(facts)}",
    )


def describe(runs: Mapping[int, StudyRun], full: Mapping[int, StudyRun]) -> dict[str, Any]:
    """What the table says of a network, by itself and beside full filters of its width."""
    costs, reference = traced_costs(first_run(runs)), traced_costs(first_run(full))
    return {
        "parameters": costs.parameters,
        "multiplications": costs.multiplications,
        "predicted_multiplications": predicted_multiplications(first_run(runs)),
        "share": costs.multiplications / reference.multiplications,
        "errors": final_errors(runs),
        "losses": error_differences(runs, full),
    }


def predicted_multiplications(run: StudyRun) -> int:
    """What the formulas say of the network of a run."""
    model, spec = run.settings.model, run.settings.dataset().spec
    assert isinstance(model, FilterStackSettings)
    return sum(layer.multiplications(places) for layer, places in model.layers(spec.shape, spec.classes))


def as_point(facts: Mapping[str, Any]) -> Measured:
    """A network for the figures."""
    accuracies = [100 - error for error in facts["errors"].values()]
    return Measured(
        facts["kind"],
        facts["width"],
        facts["multiplications"] / 1e6,
        estimate(accuracies).mean,
        accuracies,
        facts["seconds"]["median"],
    )


def as_table(facts: list[dict[str, Any]]) -> str:
    """The networks, kind by kind."""
    heading = [
        "block",
        "width",
        "parameters",
        "predicted M multiplications",
        "traced",
        "of full",
        "time of a step",
        "n",
        "test error %",
        "higher than full by",
    ]
    rows = [
        [
            own["kind"],
            own["width"],
            f"{own['parameters']:,}",
            f"{own['predicted_multiplications'] / 1e6:.3f}",
            f"{own['multiplications'] / 1e6:.3f}",
            f"{own['share']:.3f}",
            Ratio(**own["seconds"]),
            len(own["errors"]),
            estimate(list(own["errors"].values())),
            estimate(own["losses"]) if own["kind"] != FULL else "",
        ]
        for own in facts
    ]
    return markdown(heading, rows)


def criteria(facts: list[dict[str, Any]]) -> str:
    """The criteria in words."""
    exact = sum(own["predicted_multiplications"] == own["multiplications"] for own in facts)
    cheap = [own for own in facts if own["share"] <= SAVED]
    lines = [
        f"- multiplications of {exact} of {len(facts)} networks are those of the formulas",
        f"- blocks with at most {SAVED:g} of the multiplications of full filters, and the error above theirs; all "
        f"{len(cheap)} intervals hold together with 95 %:",
    ]
    for own in cheap:
        loss = estimate(own["losses"], comparisons=len(cheap))
        kept = loss.high is not None and loss.high < LOST
        verdict = f"less than {LOST:g} point" if kept else f"not shown to be less than {LOST:g} point"
        lines.append(f"  - {own['kind']}, {own['width']}: {loss}, interval {loss.interval} (n = {loss.n}): {verdict}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
