"""Small batches against large ones: which solution looks sharp depends on how long the weights are.

Li et al. 2018 (arXiv:1712.09913), section 3 and Figs 2 and 3: along the line from a solution found with small batches
to one found with large ones, weight decay alone changes which of the two looks sharp. In lengths of the network's own
filters the two can be compared.

On the line, batch normalization has the statistics of the training images with the weights of each point. The authors
move the statistics along the line too, but beyond its ends a variance can become negative.

`python -m experiments.batch_size_interpolation [profile=full]` trains and measures what is missing, as
`conf/study/batch_size_interpolation.yaml` says, and writes `batch_size_interpolation/STAGE/`: table, numbers,
and a figure for each pair of networks.
"""

from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
import optax
from pydantic import Field, model_validator

from src.config.settings import Settings
from src.data.dataset import SplitName
from src.landscape.directions import between
from src.landscape.evaluation import at_points
from src.landscape.objective import BatchNorm, Objective, split_objective
from src.landscape.surface import Surface
from src.models.functional import Tree
from src.plots.surfaces import interpolations
from src.runs.versions import versions
from src.studies.command import run_study
from src.studies.directions import random_directions
from src.studies.estimates import Estimate, estimate
from src.studies.planes import AxisSettings, evaluate_surface
from src.studies.results import check_file_stems, file_stem, markdown, write_results
from src.studies.settings import SeededStage
from src.studies.subjects import Subject, SubjectSettings, subjects

SPLITS: tuple[SplitName, ...] = ("train", "test")
AWAY = 0.5
"""How far from a solution its sharpness is told, in lengths of the line or of the network's own filters."""


class PairSettings(Settings):
    """Two networks that differ in the size of their batches."""

    title: str
    small: SubjectSettings
    large: SubjectSettings

    @model_validator(mode="after")
    def _check_titles(self) -> "PairSettings":
        if self.small.title == self.large.title:
            raise ValueError(f"both networks of {self.title!r} are called {self.small.title!r}")
        return self


class InterpolationStage(SeededStage):
    """One size of the study; its seeds are those of the directions around the networks.

    Attributes:
        pairs: of networks.
        images: at most so many of each split; null for all.
        between: steps along the line, 0 with small batches and 1 with large ones.
        around: steps along a random direction, in lengths of the network's own filters.
    """

    pairs: Annotated[list[PairSettings], Field(min_length=1)]
    images: Annotated[int, Field(gt=0)] | None
    between: AxisSettings
    around: AxisSettings

    @model_validator(mode="after")
    def _check_titles(self) -> "InterpolationStage":
        check_file_stems([pair.title for pair in self.pairs])
        return self

    @model_validator(mode="after")
    def _far_enough(self) -> "InterpolationStage":
        for name, axis, end in (("between", self.between, 1.0), ("around", self.around, 0.0)):
            if axis.first > -AWAY or axis.last < end + AWAY:
                raise ValueError(f"{name} should go from {-AWAY} or less to {end + AWAY} or more")
        return self


class Solution(NamedTuple):
    """A trained network, and the lines through it along random directions, one for each seed."""

    subject: Subject
    published: float | None
    norm: float
    around: list[Surface]


class Pair(NamedTuple):
    """Two solutions, small batches first, and the line from one to the other."""

    title: str
    line: Surface
    solutions: tuple[Solution, ...]


def main() -> None:
    """Trains, measures and reports, stage by stage."""
    run_study("batch_size_interpolation", InterpolationStage, report)


def report(name: str, stage: InterpolationStage) -> None:
    """One stage, from its networks to its files."""
    networks = [network for pair in stage.pairs for network in (pair.small, pair.large)]
    trained = subjects(networks, stage.common, SPLITS, stage.images)
    pairs = [
        compared(pair, trained[2 * number], trained[2 * number + 1], stage) for number, pair in enumerate(stage.pairs)
    ]
    facts = {pair.title: describe(pair) for pair in pairs}
    figures = {
        file_stem(pair.title): interpolations([pair.line, *(each.around[0] for each in pair.solutions)])
        for pair in pairs
    }
    write_results(name, facts, figures=figures, table=as_table(facts))


def compared(pair: PairSettings, small: Subject, large: Subject, stage: InterpolationStage) -> Pair:
    """The line between two networks, and the lines around each."""
    start, end = (objective_of(each, "recalibrated") for each in (small, large))
    line = evaluate_surface(
        f"{pair.title}: from {small.title} to {large.title}",
        at_points(start, [between(start.parameters, end.parameters)]),
        [stage.between.values()],
        {
            "small": small.identity,
            "large": large.identity,
            "splits": [*SPLITS],
            "batch_norm": "recalibrated",
            **versions(split_objective, between),
        },
        kernels=small.kernels,
    )
    solutions = tuple(
        Solution(
            subject,
            network.published,
            kernel_norm(objective.parameters),
            [around(subject, stage, seed) for seed in stage.seeds],
        )
        for subject, network, objective in ((small, pair.small, start), (large, pair.large, end))
    )
    return Pair(pair.title, line, solutions)


def around(subject: Subject, stage: InterpolationStage, seed: int) -> Surface:
    """The line through a network along a random direction, filter by filter as long as the network."""
    objective = objective_of(subject, "frozen")
    directions = random_directions(objective.parameters, subject.identity, seed=seed, count=1)
    identity = {
        **subject.identity,
        "splits": [*SPLITS],
        "normalization": "filter",
        "seed": seed,
        "batch_norm": "frozen",
        **directions.versions,
        **versions(split_objective),
    }
    return evaluate_surface(
        f"around {subject.title}",
        at_points(objective, directions.value.trees),
        [stage.around.values()],
        identity,
        directions,
        kernels=subject.kernels,
    )


def objective_of(subject: Subject, batch_norm: BatchNorm) -> Objective:
    """Loss and accuracy of a network on both splits."""
    return split_objective(subject.module, subject.task, subject.splits, batch_norm=batch_norm, kernels=subject.kernels)


def kernel_norm(parameters: Tree) -> float:
    """The length of all weights in tensors of more than one dimension."""
    kernels = [leaf for leaf in jax.tree.leaves(parameters) if leaf.ndim > 1]
    return float(optax.tree.norm(kernels))


def describe(pair: Pair) -> dict[str, Any]:
    """What the table says of the two networks, and where it comes from."""
    solutions = {
        solution.subject.title: {
            "published_test_error": solution.published,
            "weight_norm": solution.norm,
            "train_loss": value_at(solution.around[0], "train_loss", 0.0),
            "test_error": 100 * (1 - value_at(solution.around[0], "test_accuracy", 0.0)),
            "loss_outward": value_at(pair.line, "train_loss", outward),
            "loss_around": estimate([both_sides(line) for line in solution.around])._asdict(),
            **solution.subject.identity,
        }
        for solution, outward in zip(pair.solutions, (-AWAY, 1 + AWAY), strict=True)
    }
    lines = [pair.line, *(line for solution in pair.solutions for line in solution.around)]
    return {"solutions": solutions, "lines": [as_facts(line) for line in lines]}


def as_facts(line: Surface) -> dict[str, Any]:
    """All numbers of a line."""
    values = {name: values.tolist() for name, values in line.values.items()}
    return {"title": line.title, "alpha": line.alpha.tolist(), **values, **line.metadata}


def value_at(line: Surface, name: str, place: float) -> float:
    """A value anywhere on a line; between two points of the grid, on the straight line from one to the other."""
    return float(np.interp(place, line.alpha, line.value(name)))


def both_sides(line: Surface) -> float:
    """The mean training loss on both sides of a network."""
    return (value_at(line, "train_loss", -AWAY) + value_at(line, "train_loss", AWAY)) / 2


def as_table(facts: dict[str, Any]) -> str:
    """How good each solution is, how long its weights are, and how sharp it looks in either length."""
    heading = ["pair", "network", "test error %", "published test error %", "length of weights", "training loss"]
    heading += [f"loss {AWAY:g} lines outward", f"loss {AWAY:g} filters away"]
    rows = [
        [
            title,
            name,
            f"{own['test_error']:.2f}",
            "–" if own["published_test_error"] is None else f"{own['published_test_error']:.2f}",
            f"{own['weight_norm']:.1f}",
            f"{own['train_loss']:.4g}",
            f"{own['loss_outward']:.4g}",
            Estimate(**own["loss_around"]),
        ]
        for title, pair in facts.items()
        for name, own in pair["solutions"].items()
    ]
    return markdown(heading, rows)


if __name__ == "__main__":
    main()
