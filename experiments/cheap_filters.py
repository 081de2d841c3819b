"""Cheaper forms of a convolution in one and the same network: what they save, and what they cost in accuracy.

Chapter Figs 21-24 and 39: bottlenecks, groups (Xie et al. 2016, arXiv:1611.05431), depthwise separable convolutions
(Howard et al. 2017, arXiv:1704.04861), rows and columns (Szegedy et al. 2015, arXiv:1512.00567).

`python -m experiments.cheap_filters [scale=full]` trains what is not trained yet (`conf/study/cheap_filters.yaml`
says what) and writes `cheap_filters/SCALE/{table.md,results.json,front.png,seconds.png}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import model_validator

from src.config.settings import Settings
from src.models.filter_stacks import FilterStackSettings
from src.plots.filters import Measured, accuracy_front, seconds_against_multiplications
from src.studies.command import run_study
from src.studies.comparison import Comparison
from src.studies.costs import step_ratios, traced_costs
from src.studies.estimates import estimate
from src.studies.results import write_results
from src.studies.rows import Columns, table
from src.studies.runs import StudyRun
from src.studies.settings import SeededScale
from src.studies.timing import Ratio
from src.studies.variants import LEARNING_RATE, Variant

FULL = "full"
"""The reference block."""

ROUNDS = 15
"""Number of timed training steps per network."""

SAVED = 0.5
"""Criterion: at most this share of the multiplications of full filters."""

LOST = 1.0
"""Criterion: an accuracy lower by less than this, in percentage points."""


class BlockSettings(Settings):
    """One kind of block.

    Attributes:
        widths: of its networks.
        arguments: of `src.train`.
    """

    widths: list[int]
    arguments: list[str]


class CheapFiltersScale(SeededScale):
    """One size of the study.

    Attributes:
        blocks: by their names; `full` is what the others are compared to.
        learning_rates: candidates; each network uses its best.
    """

    blocks: dict[str, BlockSettings]
    learning_rates: list[float]

    @model_validator(mode="after")
    def _check_widths(self) -> "CheapFiltersScale":
        full = self.blocks[FULL].widths if FULL in self.blocks else []
        for name, block in self.blocks.items():
            for width in block.widths:
                if width not in full:
                    raise ValueError(f"{name} is {width} wide, and no block named {FULL!r} is")
        return self

    def variants(self) -> dict[tuple[str, int], Variant]:
        """All networks by kind and width."""
        return {
            (kind, width): Variant(name_of(kind, width), (*self.common, *block.arguments, f"model.width={width}"))
            for kind, block in self.blocks.items()
            for width in block.widths
        }


def name_of(kind: str, width: int) -> str:
    """The name of a network."""
    return f"{kind}, {width}"


@dataclass(frozen=True)
class Network:
    """Results of a network.

    Attributes:
        kind: of its blocks.
        width: channels.
        learning_rate: the best one.
        seconds: of a training step, relative to full filters of the largest width.
        parameters: number of trainable parameters.
        multiplications: for one image, as traced.
        predicted_multiplications: the same, from the formulas.
        share: multiplications relative to full filters of its width.
        errors: on the test split in percent, by seed.
        losses: errors minus those of full filters of its width, by seed.
    """

    kind: str
    width: int
    learning_rate: str
    seconds: Ratio
    parameters: int
    multiplications: int
    predicted_multiplications: int
    share: float
    errors: dict[int, float]
    losses: list[float]


COLUMNS: Columns[Network] = {
    "block": lambda row: row.kind,
    "width": lambda row: row.width,
    "parameters": lambda row: f"{row.parameters:,}",
    "predicted M multiplications": lambda row: f"{row.predicted_multiplications / 1e6:.3f}",
    "traced": lambda row: f"{row.multiplications / 1e6:.3f}",
    "of full": lambda row: f"{row.share:.3f}",
    "time of a step": lambda row: row.seconds,
    "n": lambda row: len(row.errors),
    "test error %": lambda row: estimate(list(row.errors.values())),
    "higher than full by": lambda row: "" if row.kind == FULL else estimate(row.losses),
}


def main() -> None:
    """Trains, measures, and reports, scale by scale."""
    run_study("cheap_filters", CheapFiltersScale, report)


def report(name: str, scale: CheapFiltersScale) -> None:
    """One scale, from its runs to its files."""
    variants = scale.variants()
    comparison = Comparison.tuned(list(variants.values()), scale.learning_rates, scale.seeds)
    for width in scale.blocks[FULL].widths:
        comparison.check_reference(variants[FULL, width].name)
    widest = comparison.first_run(variants[FULL, max(scale.blocks[FULL].widths)].name)
    firsts = {variant.name: comparison.first_run(variant.name) for variant in comparison.variants}
    seconds = step_ratios({FULL: widest, **firsts}, ROUNDS)
    kinds = {variant.name: key for key, variant in variants.items()}
    networks = [
        describe(variant, *kinds[variant.name], comparison, seconds[variant.name]) for variant in comparison.variants
    ]
    points = list(map(as_point, networks))
    write_results(
        name,
        {"networks": networks, "runs": comparison.records()},
        figures={"front": accuracy_front(points), "seconds": seconds_against_multiplications(points)},
        table=as_table(networks),
    )


def describe(variant: Variant, kind: str, width: int, comparison: Comparison, seconds: Ratio) -> Network:
    """Results of a network, absolute and relative to full filters of its width."""
    full = name_of(FULL, width)
    costs, reference = (traced_costs(comparison.first_run(name)) for name in (variant.name, full))
    return Network(
        kind=kind,
        width=width,
        learning_rate=variant.value(LEARNING_RATE),
        seconds=seconds,
        parameters=costs.parameters,
        multiplications=costs.multiplications,
        predicted_multiplications=predicted_multiplications(comparison.first_run(variant.name)),
        share=costs.multiplications / reference.multiplications,
        errors=comparison.errors(variant.name),
        losses=comparison.differences(variant.name, full),
    )


def predicted_multiplications(run: StudyRun) -> int:
    """Multiplications of the network of a run, from the formulas."""
    model, spec = run.settings.model, run.settings.dataset().spec
    assert isinstance(model, FilterStackSettings)
    return sum(layer.multiplications(places) for layer, places in model.layers(spec.shape, spec.classes))


def as_point(network: Network) -> Measured:
    """A network for the figures."""
    accuracies = [100 - error for error in network.errors.values()]
    return Measured(
        network.kind,
        network.width,
        network.multiplications / 1e6,
        estimate(accuracies).mean,
        accuracies,
        network.seconds.median,
    )


def as_table(networks: Sequence[Network]) -> str:
    """A table of the networks by kind, and the criteria as text."""
    return f"{table(COLUMNS, networks)}\n{criteria(networks)}"


def criteria(networks: Sequence[Network]) -> str:
    """The criteria as text."""
    exact = sum(own.predicted_multiplications == own.multiplications for own in networks)
    cheap = [own for own in networks if own.share <= SAVED]
    lines = [
        f"- multiplications of {exact} of {len(networks)} networks are those of the formulas",
        f"- blocks with at most {SAVED:g} of the multiplications of full filters, and the error above theirs; all "
        f"{len(cheap)} intervals hold together with 95 %:",
    ]
    for own in cheap:
        loss = estimate(own.losses, comparisons=len(cheap))
        small = loss.high is not None and loss.high < LOST
        verdict = f"less than {LOST:g} point" if small else f"not shown to be less than {LOST:g} point"
        lines.append(f"  - {own.kind}, {own.width}: {loss}, interval {loss.interval} (n = {loss.n}): {verdict}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
