"""Residual networks as ensembles of paths: effects of lesions, and the paths that carry the gradient.

Veit, Wilber, Belongie 2016 (arXiv:1605.06431), Figs 3, 5 and 6; chapter Figs 37-38.

`python -m experiments.path_ensembles [scale=full]` trains what is not trained yet (`conf/study/path_ensembles.yaml`
says what) and writes `path_ensembles/SCALE/{table.md,results.json,one_removed.png,several.png,paths.png}`.
Lesions are evaluated on test images, gradients on training images without augmentation, both in evaluation mode.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
from flax import nnx
from matplotlib.figure import Figure
from pydantic import Field
from scipy.stats import spearmanr

from src.arithmetic.paths import path_counts, path_share
from src.config.errors import UserError, say
from src.interpret.lesions import like_pairs, residual_blocks
from src.interpret.paths import carrying_lengths
from src.models.tracing import abstract_rngs
from src.plots.lesions import Removals, several_lesions, single_removals
from src.plots.paths import gradient_by_length
from src.studies.cached import Cached, cached
from src.studies.command import run_study
from src.studies.comparison import Comparison
from src.studies.estimates import Estimate, estimate, estimate_correlation, verdicts
from src.studies.lesions import (
    Lesions,
    PlainLesions,
    ResidualLesions,
    carried,
    halving,
    mean_length,
    one_removed,
    path_gradients,
    rise,
    several_removed,
    several_swapped,
)
from src.studies.results import write_results
from src.studies.rows import Columns, table
from src.studies.runs import StudyRun
from src.studies.scores import guessing_error
from src.studies.settings import SeededScale
from src.studies.variants import Variant
from src.training.load_run import LoadedRun
from src.training.state import state_sha256

SHARE = 0.95
"""Share of the gradient that counts as nearly all of it."""

PUBLISHED_MODULES, PUBLISHED_LENGTHS = 54, (5, 17)
"""The paper's network, and the lengths that carry almost all of its gradient (section 5)."""

PUBLISHED_REMOVED = {10: f"about 20 (of {PUBLISHED_MODULES})"}
"""Errors in percent by number of removed modules (Fig. 5a)."""

Count = Annotated[int, Field(gt=0)]


class PathScale(SeededScale):
    """One size of the study.

    Attributes:
        residual: settings of the residual network.
        plain: settings of the network without shortcuts: a plain one of equal depth, or VGG.
        learning_rates: candidates; each network uses its best.
        removed: numbers of randomly removed modules.
        swaps: numbers of swaps of random pairs of modules.
        draws: draws per number.
        paths: sampled paths per length.
        batch_size: training images per path.
    """

    residual: list[str]
    plain: list[str]
    learning_rates: list[float]
    removed: Annotated[list[Count], Field(min_length=1)]
    swaps: Annotated[list[Count], Field(min_length=1)]
    draws: Count
    paths: Count
    batch_size: Count

    def variants(self) -> list[Variant]:
        """Both networks, still without a learning rate."""
        return [Variant(name, (*self.common, *getattr(self, name))) for name in ("residual", "plain")]


@dataclass(frozen=True)
class Quantity:
    """A line of the table: what it is, what it is of both networks, and what the paper says; empty if unknown."""

    what: str
    residual: Estimate | str
    plain: Estimate | str = ""
    published: str = ""


COLUMNS: Columns[Quantity] = {
    "": lambda row: row.what,
    "ResNet": lambda row: row.residual,
    "plain": lambda row: row.plain,
    "published (CIFAR-10)": lambda row: row.published,
}


def main() -> None:
    """Trains, measures, and reports, scale by scale."""
    run_study("path_ensembles", PathScale, report)


def report(name: str, scale: PathScale) -> None:
    """One scale, from its runs to its files."""
    check_modules(scale)
    variants = scale.variants()
    runs = Comparison.tuned(variants, scale.learning_rates, scale.seeds).runs
    seeds = [seed for seed in scale.seeds if all(seed in runs.get(variant.name, {}) for variant in variants)]
    if not seeds:
        raise UserError("no seed has finished runs of both networks")
    plain = [plain_lesions(runs["plain"][seed]) for seed in seeds]
    residual = [residual_lesions(runs["residual"][seed], scale) for seed in seeds]
    criteria = {words: estimate(values) for words, values in differences(residual, plain).items()}
    criteria |= {words: estimate_correlation(values) for words, values in correlations(residual).items()}
    guessing = guessing_error(runs["plain"][seeds[0]])
    record = {
        "seeds": seeds,
        "residual": residual,
        "plain": plain,
        "path_counts": path_counts(modules(residual)),
        "criteria": criteria,
        "runs": [own[seed].record() for own in runs.values() for seed in seeds],
    }
    write_results(
        name,
        record,
        figures=figures(residual, plain, guessing),
        table=f"{table(COLUMNS, quantities(residual, plain))}\n{verdicts(criteria)}",
    )


def check_modules(scale: PathScale) -> None:
    """Checks before training that the residual network has enough modules.

    Raises:
        UserError: more modules are to be removed than there are, or no two can be swapped.
    """
    residual, _ = scale.variants()
    settings = residual.run(scale.seeds[0]).settings
    spec = settings.dataset().spec
    network = nnx.eval_shape(lambda: settings.model.build(spec.shape, spec.classes, rngs=abstract_rngs()))
    count, most = len(residual_blocks(network)), max(scale.removed)
    if most > count:
        raise UserError(f"removed names {most} modules, and the residual network has {count}")
    if not like_pairs(network):
        raise UserError(f"no two of the {count} modules of the residual network can change places; take a deeper one")


def residual_lesions(run: StudyRun, scale: PathScale) -> ResidualLesions:
    """All that is measured of a residual network."""
    finished = run.loaded()
    single = measured_once(finished, one_removed)
    removed = measured_once(finished, several_removed, counts=scale.removed, draws=scale.draws)
    swapped = measured_once(finished, several_swapped, counts=scale.swaps, draws=scale.draws)
    gradients = measured_once(finished, path_gradients, samples=scale.paths, size=scale.batch_size)
    return ResidualLesions(
        **single.value,
        halving=halving(finished),
        removed=[(count, error) for count, error in removed.value],
        swapped=[(tau, error) for tau, error in swapped.value],
        gradients=gradients.value,
        measured_by=sorted({found.measured_by for found in (single, removed, swapped, gradients)}),
    )


def plain_lesions(run: StudyRun) -> PlainLesions:
    """All that is measured of a network without shortcuts."""
    single = measured_once(run.loaded(), one_removed)
    return PlainLesions(**single.value, measured_by=[single.measured_by])


def measured_once(finished: LoadedRun, measure: Callable[..., Any], **settings: Any) -> Cached[Any]:
    """A measurement of a run, from the cache if it exists."""
    name = finished.directory.path.name
    say(f"{name}: {measure.__name__.replace('_', ' ')}")
    identity = {"run": name, "weights": state_sha256(finished.state), "measure": measure.__name__, **settings}
    return cached(identity, [measure], partial(measure, finished, **settings))


def modules(residual: Sequence[ResidualLesions]) -> int:
    """How many the residual network has."""
    return len(residual[0].one_removed)


def differences(residual: Sequence[ResidualLesions], plain: Sequence[PlainLesions]) -> dict[str, list[float]]:
    """What the criteria want above 0, seed by seed."""
    return {
        "rise of the error by one module taken out, plain − ResNet, points of percent": [
            rise(b) - rise(a) for a, b in zip(residual, plain, strict=True)
        ],
        "half the modules − mean length of paths weighted by their gradient": [
            modules(residual) / 2 - mean_length(lesions) for lesions in residual
        ],
    }


def correlations(residual: Sequence[ResidualLesions]) -> dict[str, list[float]]:
    """What else the criteria want above 0: Spearman's correlations, seed by seed."""
    return {
        "Spearman's correlation of the error and the number of modules taken out": [
            correlation(lesions.removed) for lesions in residual
        ],
        "Spearman's correlation of the error and −tau": [-correlation(lesions.swapped) for lesions in residual],
    }


def correlation(points: Sequence[tuple[float, float]]) -> float:
    """Spearman's, of the coordinates of points."""
    return float(spearmanr(*zip(*points, strict=True)).statistic)


def removed_counts(residual: Sequence[ResidualLesions]) -> list[int]:
    """How many modules were taken out at random."""
    return sorted({count for count, _ in residual[0].removed})


def errors_without(count: int, residual: Sequence[ResidualLesions]) -> list[float]:
    """All errors with so many modules taken out at random."""
    return [error for lesions in residual for number, error in lesions.removed if number == count]


def quantities(residual: Sequence[ResidualLesions], plain: Sequence[PlainLesions]) -> list[Quantity]:
    """Errors in percent with and without lesions, and the lengths that carry the gradient, beside the paper's."""

    def of_both(what: str, measure: Callable[[Lesions], float], published: str = "") -> Quantity:
        found, other = (estimate(list(map(measure, own))) for own in (residual, plain))
        return Quantity(what, found, other, published)

    halved = [mean([lesions.one_removed[each] for each in lesions.halving]) for lesions in residual]
    first, last = carrying_lengths(np.mean([carried(lesions) for lesions in residual], axis=0), SHARE)
    return [
        of_both("error %, nothing taken out", lambda lesions: lesions.whole),
        of_both("error %, one taken out, mean", lambda lesions: mean(lesions.one_removed), "plain (VGG): guessing"),
        of_both("error %, one taken out, worst", lambda lesions: max(lesions.one_removed)),
        Quantity("error %, one that halves the image taken out", estimate(halved)),
        *(errors_of(count, residual) for count in removed_counts(residual)),
        Quantity("mean length of paths, weighted by gradient", estimate(list(map(mean_length, residual)))),
        Quantity(
            f"lengths with {100 * SHARE:g} % of the gradient",
            f"{first} to {last} of {modules(residual)}",
            published=f"{PUBLISHED_LENGTHS[0]} to {PUBLISHED_LENGTHS[1]} of {PUBLISHED_MODULES}",
        ),
        Quantity(
            "their share of all paths, %",
            f"{100 * float(path_share(modules(residual), first, last)):.3g}",
            published=f"{100 * float(path_share(PUBLISHED_MODULES, *PUBLISHED_LENGTHS)):.3g}",
        ),
    ]


def errors_of(count: int, residual: Sequence[ResidualLesions]) -> Quantity:
    """The error with so many modules taken out at random."""
    found = estimate([mean(errors_without(count, [lesions])) for lesions in residual])
    return Quantity(f"error %, {count} at random taken out", found, published=PUBLISHED_REMOVED.get(count, ""))


def mean(values: Sequence[float]) -> float:
    """Of some numbers, added up as NumPy does."""
    return float(np.mean(values))


def removals(label: str, lesions: Sequence[Lesions], halving: Sequence[int]) -> Removals:
    """A network for the figure of single modules."""
    return Removals(label, [own.one_removed for own in lesions], [own.whole for own in lesions], halving)


def figures(residual: Sequence[ResidualLesions], plain: Sequence[PlainLesions], guessing: float) -> dict[str, Figure]:
    """The three figures."""
    networks = [removals("ResNet", residual, residual[0].halving), removals("no shortcuts", plain, [])]
    removed = {count: errors_without(count, residual) for count in removed_counts(residual)}
    shuffled = [point for lesions in residual for point in lesions.swapped]
    norms = np.array([lesions.gradients for lesions in residual])
    lengths = carrying_lengths(np.mean([carried(lesions) for lesions in residual], axis=0), SHARE)
    whole = mean(networks[0].whole)
    return {
        "one_removed": single_removals(networks, guessing, "halves the image"),
        "several": several_lesions(removed, shuffled, whole, guessing),
        "paths": gradient_by_length(path_counts(modules(residual)), norms, lengths, SHARE),
    }


if __name__ == "__main__":
    main()
