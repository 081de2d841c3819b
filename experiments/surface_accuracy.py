"""How far a loss surface from samples of the images is from the exact one, and what it saves.

`python -m experiments.surface_accuracy [scale=full]` measures planes to a tolerance (`src/landscape/sampled.py`), and
then random points of them on all images, as `conf/study/surface_accuracy.yaml` says, and writes
`surface_accuracy/SCALE/{table.md,results.json,samples.png}` and the surfaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import numpy as np
from jaxtyping import Float64
from pydantic import Field

from src.config.settings import Settings
from src.data.dataset import SplitName
from src.landscape.evaluation import at_points
from src.landscape.grid import grid
from src.landscape.grid_evaluation import evaluate_points
from src.landscape.objective import split_objective
from src.landscape.sampled import Tolerance
from src.landscape.sharpness import ROUNDING
from src.plots.samples import Checked, samples
from src.randomness import stream
from src.studies.command import run_study
from src.studies.networks import TrainedNetwork
from src.studies.planes import PlaneScale, points_file, surveyed_to_tolerance, write_surfaces
from src.studies.progress import surface_progress
from src.studies.results import write_results
from src.studies.rows import Columns, Spread, entries, table

CLOSE, IMAGES = 0.95, 0.1
"""The criterion: at least this part of the checked points close, on at most that part of the images."""


class CloseSettings(Settings):
    """What counts as close to the exact loss: the larger of two.

    Attributes:
        relative: part of the loss.
        absolute: in nats.
    """

    relative: Annotated[float, Field(gt=0)]
    absolute: Annotated[float, Field(gt=0)]


class AccuracyScale(PlaneScale):
    """One size of the study.

    Attributes:
        splits: the one that is looked at.
        tolerance: to which the planes are measured.
        checked: so many random points are measured on all images too.
        close: the distance within which they should be.
    """

    splits: Annotated[list[SplitName], Field(min_length=1, max_length=1)]
    tolerance: Tolerance
    checked: Annotated[int, Field(gt=0)]
    close: CloseSettings


@dataclass(frozen=True)
class CheckedPoint:
    """A point of a plane: its number, its loss on all images and from samples, and the standard error of the latter."""

    point: int
    exact: float
    sampled: float
    error: float


@dataclass(frozen=True)
class Accuracy:
    """How far a surface from samples is from the exact one; shares are parts of 1.

    Attributes:
        name: title of the network.
        images_share: of all images, those that were measured.
        checked: number of points with an exact loss.
        close: share of these that is close to it.
        two_errors: share of these that is at most two standard errors from it.
        farthest: the greatest distance, in parts of the exact loss.
        points: all that were checked.
        metadata: of the surface, and what measured the exact losses.
    """

    name: str
    images_share: float
    checked: int
    close: float
    two_errors: float
    farthest: float
    points: list[CheckedPoint]
    metadata: Spread[Mapping[str, Any]]

    @property
    def seed(self) -> int:
        """Of the directions."""
        return int(self.metadata["seed"])

    @property
    def held(self) -> bool:
        """Whether the criterion is."""
        return self.close >= CLOSE and self.images_share <= IMAGES


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("surface_accuracy", AccuracyScale, report)


def report(name: str, scale: AccuracyScale) -> None:
    """One scale, from its networks to its files."""
    found = [check(network, scale, seed) for network in scale.trained_networks() for seed in scale.seeds]
    rows = [describe(each, scale.close) for each in found]
    directory = write_results(
        name, list(map(entries, rows)), figures={"samples": samples(found)}, table=as_table(rows, scale.close)
    )
    write_surfaces(directory, [each.surface for each in found], f"{scale.splits[0]}_loss")


def check(network: TrainedNetwork, scale: AccuracyScale, seed: int) -> Checked:
    """A plane to a tolerance, and the exact losses at some of its points."""
    split = scale.splits[0]
    objective = split_objective(network.module, network.task, {split: network.splits[split]}, kernels=network.kernels)
    directions, axes = scale.random_directions(network, objective.parameters, seed), scale.axes()
    identity = scale.identity(network, seed, directions, split_objective, batch_norm="frozen")
    surface = surveyed_to_tolerance(network, directions, axes, scale.tolerance, identity)
    places = grid(axes)
    chosen = np.asarray(jax.random.permutation(stream(seed, "checked points"), len(places)))[: scale.checked]
    about = {**identity, "checked": scale.checked}
    with surface_progress(f"{network.title}, exactly") as callback:
        file = points_file(axes, about)
        exact = evaluate_points(
            at_points(objective, directions.value.trees),
            places[chosen],
            about=about,
            points=file,
            callback=callback,
            kernels=network.kernels,
        )
    losses = np.array([row[f"{split}_loss"] for row in exact.rows])
    return Checked(surface, split, chosen, losses, exact.measured_by)


def columns(close: CloseSettings) -> Columns[Accuracy]:
    """The cells of the table."""
    return {
        "network": lambda row: row.name,
        "images %": lambda row: f"{100 * row.images_share:.1f}",
        "points checked": lambda row: row.checked,
        f"within {100 * close.relative:g} % or {close.absolute:g}, %": lambda row: f"{100 * row.close:.1f}",
        "within two errors %": lambda row: f"{100 * row.two_errors:.1f}",
        "farthest %": lambda row: f"{100 * row.farthest:.1f}",
    }


def as_table(rows: Sequence[Accuracy], close: CloseSettings) -> str:
    """The networks, and the criterion in words."""
    what = f"At least {100 * CLOSE:g} % of the checked points close, on at most {100 * IMAGES:g} % of the images:"
    answers = "".join(f"- {row.name}, seed {row.seed}: {'yes' if row.held else 'no'}\n" for row in rows)
    return f"{table(columns(close), rows)}\n{what}\n\n{answers}"


def describe(each: Checked, close: CloseSettings) -> Accuracy:
    """What is said of a network."""
    exact: Float64[np.ndarray, "k"] = each.exact
    apart, error = np.abs(each.sampled("loss") - exact), each.sampled("loss_error")
    points = zip(each.chosen, exact, each.sampled("loss"), error, strict=True)
    measured_by = sorted({*each.surface.metadata["measured_by"], *each.exact_by})
    return Accuracy(
        name=each.surface.title,
        images_share=float(each.shares().mean()),
        checked=len(exact),
        close=float(np.mean(apart <= np.maximum(close.relative * exact, close.absolute))),
        two_errors=float(np.mean(apart <= 2 * error + ROUNDING * exact)),
        farthest=float(np.nanmax(apart / exact)),
        points=[CheckedPoint(int(point), *map(float, losses)) for point, *losses in points],
        metadata={**each.surface.metadata, "measured_by": measured_by},
    )


if __name__ == "__main__":
    main()
