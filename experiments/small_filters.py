"""Stacks of small filters against large filters with the same receptive field.

Simonyan and Zisserman 2014 (arXiv:1409.1556), sections 2.3 and 4.1; Zeiler and Fergus 2013 (arXiv:1311.2901), section
4.1; chapter Figs 19-20. Effective receptive fields: Luo et al. 2016 (arXiv:1701.04128).

`python -m experiments.small_filters [scale=full]` trains what is not trained yet (`conf/study/small_filters.yaml`
says what) and writes `small_filters/SCALE/{table.md,results.json,comparisons.png,fields.png}`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

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
from src.studies.comparison import Comparison
from src.studies.costs import step_ratios, traced_costs
from src.studies.estimates import Estimate, estimate, verdicts
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.studies.runs import StudyRun
from src.studies.scores import first_run
from src.studies.settings import SeededScale
from src.studies.timing import Ratio
from src.studies.variants import LEARNING_RATE, Variant

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


class SmallFiltersScale(SeededScale):
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


@dataclass(frozen=True)
class Network:
    """What came of a network.

    Attributes:
        name: what its filters are.
        width: channels.
        learning_rate: its best.
        parameters: that are trained.
        multiplications: for one image.
        field: side of what a value of the last convolution sees, in pixels.
        seconds: of a training step, over those of the first network of the comparison.
        spread: of the effective field, in pixels, untrained and trained.
        errors: on the test split in percent, by seed.
        gain: by how much they are lower than those of the first network; none for itself.
    """

    name: str
    width: int
    learning_rate: str
    parameters: int
    multiplications: int
    field: int
    seconds: Ratio
    spread: dict[str, float]
    errors: dict[int, float]
    gain: Estimate | None


COLUMNS: Columns[Network] = {
    "network": lambda row: row.name,
    "width": lambda row: row.width,
    "parameters": lambda row: f"{row.parameters:,}",
    "M multiplications": lambda row: f"{row.multiplications / 1e6:.2f}",
    "time of a step": lambda row: row.seconds,
    "field": lambda row: row.field,
    "spread untrained": lambda row: f"{row.spread['untrained']:.2f}",
    "spread trained": lambda row: f"{row.spread['trained']:.2f}",
    "n": lambda row: len(row.errors),
    "test error %": lambda row: estimate(list(row.errors.values())),
    "lower than the first by": lambda row: row.gain or "",
}


def main() -> None:
    """Trains, measures, and reports, scale by scale."""
    run_study("small_filters", SmallFiltersScale, report)


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


def report(name: str, scale: SmallFiltersScale) -> None:
    """One scale, from its runs to its files."""
    groups: dict[str, list[Network]] = {}
    fields: dict[str, dict[str, FieldPicture]] = {}
    records = []
    for title, settings in scale.comparisons.items():
        comparison = Comparison.tuned(scale.variants(title), scale.learning_rates, scale.seeds)
        comparison.check_reference(next(iter(settings)))
        pictures = {variant: measured_fields(own) for variant, own in comparison.runs.items()}
        groups[title] = describe(comparison, pictures)
        for variant in settings:
            for when, picture in pictures.get(variant, {}).items():
                fields.setdefault(when, {})[variant] = picture
        records += comparison.records()
    write_results(
        name,
        {"comparisons": {title: by_name(rows) for title, rows in groups.items()}, "runs": records},
        figures={
            "comparisons": comparisons(list(map(contenders, groups.values()))),
            "fields": effective_fields(fields),
        },
        table=as_table(groups.values()),
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


def describe(comparison: Comparison, fields: Mapping[str, Mapping[str, FieldPicture]]) -> list[Network]:
    """What is said of the networks of a comparison."""
    reference = comparison.variants[0].name
    firsts = {variant.name: comparison.first_run(variant.name) for variant in comparison.variants}
    seconds = step_ratios(firsts, ROUNDS)

    def row(variant: Variant) -> Network:
        name = variant.name
        return Network(
            name=name,
            width=stack(firsts[name]).width,
            learning_rate=variant.value(LEARNING_RATE),
            **traced_costs(firsts[name])._asdict(),
            seconds=seconds[name],
            spread={when: picture.spread for when, picture in fields[name].items()},
            errors=comparison.errors(name),
            gain=None if name == reference else estimate(comparison.differences(reference, name)),
        )

    return list(map(row, comparison.variants))


def contenders(networks: Sequence[Network]) -> list[Contender]:
    """The networks of a comparison for the figure."""
    first = networks[0]
    return [
        Contender(
            own.name,
            {
                "parameters": own.parameters / first.parameters,
                "multiplications": own.multiplications / first.multiplications,
                "time of a step": own.seconds.median,
            },
            list(own.errors.values()),
        )
        for own in networks
    ]


def as_table(groups: Iterable[Sequence[Network]]) -> str:
    """The networks of all comparisons, and the criterion in words."""
    groups = list(groups)
    gains = {
        f"{networks[0].name} − {own.name}": own.gain for networks in groups for own in networks if own.gain is not None
    }
    what = "Error of the large filters minus that of the small ones, points of percent:"
    return f"{table(COLUMNS, chain(*groups))}\n{what}\n\n{verdicts(gains)}\n{PUBLISHED}"


if __name__ == "__main__":
    main()
