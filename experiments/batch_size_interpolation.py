"""Sharpness of minima from small and large batches, which depends on the norm of the weights.

Li et al. 2018 (arXiv:1712.09913), section 3 and Figs 2 and 3: along the line from a solution found with small batches
to one found with large ones, weight decay alone changes which of the two looks sharp. With filter-normalized directions
the two can be compared.

On the line, batch statistics are recomputed on the training images at each point. The authors interpolate them too, but
beyond the ends of the line a variance can become negative.

`python -m experiments.batch_size_interpolation [scale=full]` trains and measures what is missing, as
`conf/study/batch_size_interpolation.yaml` says, and writes `batch_size_interpolation/SCALE/`: table, numbers,
and a figure for each pair of networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
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
from src.plain_json import plain
from src.plots.surfaces import interpolations
from src.runs.versions import versions
from src.studies.command import run_study
from src.studies.directions import random_directions
from src.studies.estimates import Estimate, estimate
from src.studies.networks import NetworkSettings, TrainedNetwork, trained_networks
from src.studies.planes import AxisSettings, evaluate_surface
from src.studies.results import check_file_stems, file_stem, write_results
from src.studies.rows import Columns, table
from src.studies.settings import SeededScale

SPLITS: tuple[SplitName, ...] = ("train", "test")
AWAY = 0.5
"""Distance from a solution at which sharpness is measured, in lengths of the line or of the network's own filters."""


class PairSettings(Settings):
    """Two networks that differ in the size of their batches."""

    title: str
    small: NetworkSettings
    large: NetworkSettings

    @model_validator(mode="after")
    def _check_titles(self) -> "PairSettings":
        if self.small.title == self.large.title:
            raise ValueError(f"both networks of {self.title!r} are called {self.small.title!r}")
        return self


class InterpolationScale(SeededScale):
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
    def _check_titles(self) -> "InterpolationScale":
        check_file_stems([pair.title for pair in self.pairs])
        return self

    @model_validator(mode="after")
    def _far_enough(self) -> "InterpolationScale":
        for name, axis, end in (("between", self.between, 1.0), ("around", self.around, 0.0)):
            if axis.first > -AWAY or axis.last < end + AWAY:
                raise ValueError(f"{name} should go from {-AWAY} or less to {end + AWAY} or more")
        return self


class Solution(NamedTuple):
    """A trained network, and the lines through it along random directions, one for each seed."""

    network: TrainedNetwork
    published: float | None
    norm: float
    around: list[Surface]


class Pair(NamedTuple):
    """Two solutions, small batches first, and the line from one to the other."""

    title: str
    line: Surface
    solutions: tuple[Solution, ...]


@dataclass(frozen=True)
class Sharpness:
    """Scores of a solution, the norm of its weights, and its sharpness in both units of length.

    Attributes:
        published_test_error: in percent, if its paper states it.
        weight_norm: length of all weights in tensors of more than one dimension.
        train_loss: at the solution.
        test_error: at the solution, in percent.
        loss_outward: training loss beyond it on the line from the other one.
        loss_around: mean training loss on both sides of it, over random directions.
    """

    published_test_error: float | None
    weight_norm: float
    train_loss: float
    test_error: float
    loss_outward: float
    loss_around: Estimate


@dataclass(frozen=True)
class Found:
    """Results of a solution.

    Attributes:
        pair: that it belongs to.
        network: its title.
        sharpness: its measurements.
        identity: everything that defines it.
    """

    pair: str
    network: str
    sharpness: Sharpness
    identity: dict[str, Any]


COLUMNS: Columns[Found] = {
    "pair": lambda row: row.pair,
    "network": lambda row: row.network,
    "test error %": lambda row: f"{row.sharpness.test_error:.2f}",
    "published test error %": lambda row: (
        "–" if row.sharpness.published_test_error is None else f"{row.sharpness.published_test_error:.2f}"
    ),
    "length of weights": lambda row: f"{row.sharpness.weight_norm:.1f}",
    "training loss": lambda row: f"{row.sharpness.train_loss:.4g}",
    f"loss {AWAY:g} lines outward": lambda row: f"{row.sharpness.loss_outward:.4g}",
    f"loss {AWAY:g} filters away": lambda row: row.sharpness.loss_around,
}


def main() -> None:
    """Trains, measures and reports, scale by scale."""
    run_study("batch_size_interpolation", InterpolationScale, report)


def report(name: str, scale: InterpolationScale) -> None:
    """One scale, from its networks to its files."""
    networks = [network for pair in scale.pairs for network in (pair.small, pair.large)]
    trained = trained_networks(networks, scale.common, SPLITS, scale.images)
    pairs = [
        compared(pair, trained[2 * number], trained[2 * number + 1], scale) for number, pair in enumerate(scale.pairs)
    ]
    found = {pair.title: describe(pair) for pair in pairs}
    facts = {pair.title: pair_facts(pair, found[pair.title]) for pair in pairs}
    figures = {
        file_stem(pair.title): interpolations([pair.line, *(each.around[0] for each in pair.solutions)])
        for pair in pairs
    }
    write_results(name, facts, figures=figures, table=table(COLUMNS, chain(*found.values())))


def compared(pair: PairSettings, small: TrainedNetwork, large: TrainedNetwork, scale: InterpolationScale) -> Pair:
    """The line between two networks, and the lines around each."""
    start, end = (objective_of(each, "recalibrated") for each in (small, large))
    line = evaluate_surface(
        f"{pair.title}: from {small.title} to {large.title}",
        at_points(start, [between(start.parameters, end.parameters)]),
        [scale.between.values()],
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
            network,
            settings.published,
            kernel_norm(objective.parameters),
            [around(network, scale, seed) for seed in scale.seeds],
        )
        for network, settings, objective in ((small, pair.small, start), (large, pair.large, end))
    )
    return Pair(pair.title, line, solutions)


def around(network: TrainedNetwork, scale: InterpolationScale, seed: int) -> Surface:
    """The line through a network along a random filter-normalized direction."""
    objective = objective_of(network, "frozen")
    directions = random_directions(objective.parameters, network.identity, seed=seed, count=1)
    identity = {
        **network.identity,
        "splits": [*SPLITS],
        "normalization": "filter",
        "seed": seed,
        "batch_norm": "frozen",
        **directions.versions,
        **versions(split_objective),
    }
    return evaluate_surface(
        f"around {network.title}",
        at_points(objective, directions.value.trees),
        [scale.around.values()],
        identity,
        directions,
        kernels=network.kernels,
    )


def objective_of(network: TrainedNetwork, batch_norm: BatchNorm) -> Objective:
    """Loss and accuracy of a network on both splits."""
    return split_objective(network.module, network.task, network.splits, batch_norm=batch_norm, kernels=network.kernels)


def kernel_norm(parameters: Tree) -> float:
    """The length of all weights in tensors of more than one dimension."""
    kernels = [leaf for leaf in jax.tree.leaves(parameters) if leaf.ndim > 1]
    return float(optax.tree.norm(kernels))


def describe(pair: Pair) -> list[Found]:
    """Measurements of the two networks."""
    return [
        Found(
            pair.title,
            solution.network.title,
            Sharpness(
                published_test_error=solution.published,
                weight_norm=solution.norm,
                train_loss=value_at(solution.around[0], "train_loss", 0.0),
                test_error=100 * (1 - value_at(solution.around[0], "test_accuracy", 0.0)),
                loss_outward=value_at(pair.line, "train_loss", outward),
                loss_around=estimate([both_sides(line) for line in solution.around]),
            ),
            solution.network.identity,
        )
        for solution, outward in zip(pair.solutions, (-AWAY, 1 + AWAY), strict=True)
    ]


def pair_facts(pair: Pair, found: Sequence[Found]) -> dict[str, Any]:
    """All numbers of a pair, with their provenance."""
    lines = [pair.line, *(line for solution in pair.solutions for line in solution.around)]
    return {
        "solutions": {own.network: {**plain(own.sharpness), **own.identity} for own in found},
        "lines": [as_facts(line) for line in lines],
    }


def as_facts(line: Surface) -> dict[str, Any]:
    """All numbers of a line."""
    values = {name: values.tolist() for name, values in line.values.items()}
    return {"title": line.title, "alpha": line.alpha.tolist(), **values, **line.metadata}


def value_at(line: Surface, name: str, place: float) -> float:
    """A value on a line by linear interpolation between grid points."""
    return float(np.interp(place, line.alpha, line.value(name)))


def both_sides(line: Surface) -> float:
    """The mean training loss on both sides of a network."""
    return (value_at(line, "train_loss", -AWAY) + value_at(line, "train_loss", AWAY)) / 2


if __name__ == "__main__":
    main()
