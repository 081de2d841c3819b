"""Small filters in a row against large ones that see as much.

Simonyan and Zisserman 2014 (arXiv:1409.1556), sections 2.3 and 4.1; Zeiler and Fergus 2013 (arXiv:1311.2901), section
4.1; chapter Figs 19-20. What of it they look at: Luo et al. 2016 (arXiv:1701.04128).

`python -m experiments.small_filters [profile=full]` trains what is not trained yet (`conf/study/small_filters.yaml`
says what) and writes `small_filters/STAGE/{table.md,results.json,comparisons.png,fields.png}`.
"""

from collections.abc import Mapping
from typing import Any

import jax
from flax import nnx

from src.arithmetic.costs import nearest_width, weights
from src.data.examples import DataSpec
from src.interpret.fields import effective_field, spread
from src.models.filter_stacks import FilterStack, FilterStackSettings
from src.plots.fields import FieldPicture, effective_fields
from src.plots.filters import Contender, comparisons
from src.randomness import stream
from src.studies.command import run_study
from src.studies.costs import step_ratios, traced_costs
from src.studies.estimates import Estimate, estimate
from src.studies.results import markdown, write_results
from src.studies.runs import StudyRun
from src.studies.scores import error_difference, final_errors, first_run, reference_runs
from src.studies.settings import SeededStage
from src.studies.timing import Ratio
from src.studies.variants import LEARNING_RATE, Variant, finished_runs, records, tuned

ROUNDS = 15
"""Training steps of each network that are timed."""

IMAGES = 16
"""Random images through which effective fields are measured."""

INITIALIZATIONS = 20
"""Untrained networks whose fields are averaged, as in Luo et al."""

PUBLISHED = """\
Published: with 5x5 filters in place of pairs of 3x3, VGG's top-1 error on ImageNet is 7 % higher (Simonyan and
Zisserman 2014, section 4.1); a network that begins with 7x7/2 instead of 11x11/4 has a top-5 error 1.7 points below
AlexNet's (Zeiler and Fergus 2013, section 4.1).
"""


class SmallFiltersStage(SeededStage):
    """One size of the study.

    Attributes:
        comparisons: settings of the networks of each; the first has the large filters.
        learning_rates: from which each network gets its best.
    """

    comparisons: dict[str, dict[str, list[str]]]
    learning_rates: list[float]

    def variants(self, comparison: str) -> list[Variant]:
        """The networks of a comparison: all of one width, then the later ones as large as the first if they are not."""
        first, *others = [Variant(name, (*self.common, *own)) for name, own in self.comparisons[comparison].items()]
        large = first.run(0)
        return [first, *others, *filter(None, (equally_large(variant, large) for variant in others))]


def main() -> None:
    """Trains, measures, and reports, stage by stage."""
    run_study("small_filters", SmallFiltersStage, report)


def equally_large(variant: Variant, reference: StudyRun) -> Variant | None:
    """A network at the width that gives it the weights of another one, by the formulas; none if it has that width."""
    model, spec = stack(variant.run(0)), reference.settings.dataset().spec

    def count(width: int) -> int:
        return network_weights(model.model_copy(update={"width": width}), spec)

    width = nearest_width(count, network_weights(stack(reference), spec))
    if width == model.width:
        return None
    return Variant(f"{variant.name}, {width} wide", (*variant.arguments, f"model.width={width}"))


def stack(run: StudyRun) -> FilterStackSettings:
    """The network of a run."""
    model = run.settings.model
    assert isinstance(model, FilterStackSettings)
    return model


def network_weights(model: FilterStackSettings, spec: DataSpec) -> int:
    """What the formulas say of a network on some data."""
    return weights(layer for layer, _ in model.layers(spec.shape, spec.classes))


def report(name: str, stage: SmallFiltersStage) -> None:
    """One stage, from its runs to its files."""
    facts: dict[str, dict[str, Any]] = {}
    fields: dict[str, dict[str, FieldPicture]] = {}
    trained = []
    for comparison in stage.comparisons:
        variants = tuned(stage.variants(comparison), LEARNING_RATE, stage.learning_rates, stage.seeds[0])
        runs = {variant: found for variant, found in finished_runs(variants, stage.seeds).items() if found}
        pictures = {variant: measured_fields(own) for variant, own in runs.items()}
        facts[comparison] = describe(variants, runs, pictures)
        for variant in stage.comparisons[comparison]:
            for when, picture in pictures.get(variant, {}).items():
                fields.setdefault(when, {})[variant] = picture
        trained += records(runs)
    groups = [contenders(found) for found in facts.values()]
    write_results(
        name,
        {"comparisons": facts, "runs": trained},
        figures={"comparisons": comparisons(groups), "fields": effective_fields(fields)},
        table=f"{as_table(facts)}\n{criterion(facts)}\n{PUBLISHED}",
    )


def measured_fields(runs: Mapping[int, StudyRun]) -> dict[str, FieldPicture]:
    """The effective field of a variant with random weights, and after training with all seeds, on random images."""
    run = first_run(runs)
    spec, side = run.settings.dataset().spec, traced_costs(run).field
    networks = {
        "untrained": [
            stack(run).build(spec.shape, spec.classes, rngs=nnx.Rngs(seed)) for seed in range(INITIALIZATIONS)
        ],
        "trained": [trained_stack(each) for each in runs.values()],
    }
    key = stream(0, "effective field")
    images = jax.random.normal(key, (IMAGES, 2 * side, 2 * side, spec.shape[-1]))
    pictures = {}
    for when, own in networks.items():
        for network in own:
            network.eval()
        squares = effective_field([network.maps for network in own], images, key)
        pictures[when] = FieldPicture(squares, side, spread(squares))
    return pictures


def trained_stack(run: StudyRun) -> FilterStack:
    """The network that a finished run ended with."""
    finished = run.loaded()
    network = finished.module
    assert isinstance(network, FilterStack)
    return network


def describe(
    variants: list[Variant],
    runs: Mapping[str, Mapping[int, StudyRun]],
    fields: Mapping[str, Mapping[str, FieldPicture]],
) -> dict[str, Any]:
    """What the table says of the networks of a comparison."""
    reference = variants[0].name
    large = reference_runs(runs, reference)
    firsts = {variant: first_run(own) for variant, own in runs.items()}
    seconds = step_ratios(firsts, ROUNDS)
    return {
        variant.name: {
            "width": stack(firsts[variant.name]).width,
            "learning_rate": variant.value(LEARNING_RATE),
            **traced_costs(firsts[variant.name])._asdict(),
            "seconds": seconds[variant.name]._asdict(),
            "spread": {when: picture.spread for when, picture in fields[variant.name].items()},
            "errors": final_errors(runs[variant.name]),
            "gain": None if variant.name == reference else error_difference(large, runs[variant.name])._asdict(),
        }
        for variant in variants
        if variant.name in runs
    }


def contenders(facts: Mapping[str, Mapping[str, Any]]) -> list[Contender]:
    """The networks of a comparison for the figure."""
    first = next(iter(facts.values()))
    return [
        Contender(
            name,
            {
                "parameters": own["parameters"] / first["parameters"],
                "multiplications": own["multiplications"] / first["multiplications"],
                "time of a step": own["seconds"]["median"],
            },
            list(own["errors"].values()),
        )
        for name, own in facts.items()
    ]


def as_table(facts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The networks of all comparisons."""
    heading = [
        "network",
        "width",
        "parameters",
        "M multiplications",
        "time of a step",
        "field",
        "spread untrained",
        "spread trained",
        "n",
        "test error %",
        "lower than the first by",
    ]
    rows = [
        [
            name,
            own["width"],
            f"{own['parameters']:,}",
            f"{own['multiplications'] / 1e6:.2f}",
            Ratio(**own["seconds"]),
            own["field"],
            *(f"{spread:.2f}" for spread in own["spread"].values()),
            len(own["errors"]),
            estimate(list(own["errors"].values())),
            Estimate(**own["gain"]) if own["gain"] else "",
        ]
        for networks in facts.values()
        for name, own in networks.items()
    ]
    return markdown(heading, rows)


def criterion(facts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The criterion in words."""
    lines = ["Error of the large filters minus that of the small ones, points of percent:", ""]
    for networks in facts.values():
        first = next(iter(networks))
        for name, own in networks.items():
            if own["gain"]:
                lines.append(f"- {first} − {name}: {Estimate(**own['gain']).verdict}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
