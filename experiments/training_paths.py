"""The path of training over the loss, in the plane that holds most of it.

Li et al. 2018 (arXiv:1712.09913), section 7 and Fig. 9.

`python -m experiments.training_paths [scale=full]` measures what is not measured yet, as
`conf/study/training_paths.yaml` says, and writes `training_paths/SCALE/{table.md,results.json,paths.png}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from src.config.errors import UserError
from src.landscape.directions import principal
from src.landscape.evaluation import at_points
from src.landscape.objective import split_objective
from src.landscape.surface import Surface
from src.landscape.trajectories import project
from src.plots.surfaces import Trajectory, contours
from src.runs.versions import versions
from src.studies.command import run_study
from src.studies.directions import Directions, cached_directions
from src.studies.networks import NetworksScale, TrainedNetwork
from src.studies.planes import evaluate_surface, write_surfaces
from src.studies.results import write_results
from src.studies.rows import Columns, Spread, by_name, table


class PathScale(NetworksScale):
    """One size of the study.

    Attributes:
        margin: of the plane beyond the ends of the path, in parts of the path's extent.
        steps: of the grid along both directions.
    """

    margin: Annotated[float, Field(ge=0)]
    steps: Annotated[int, Field(gt=1)]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in the plane.

    Attributes:
        coordinates: of the nearest point of the plane.
        residual: the distance to it.
        explained: the share of the squared distance to the last checkpoint that lies in the plane.
        step: that it was made after.
    """

    coordinates: list[float]
    residual: float
    explained: float
    step: int


@dataclass(frozen=True)
class Path:
    """The path of a run.

    Attributes:
        name: title of the network.
        explained: the share of all movement along either direction of the plane, from 0 to 1.
        checkpoints: the first one is the random network, the last one the trained one.
        metadata: of the surface around it.
    """

    name: str
    explained: tuple[float, float]
    checkpoints: list[Checkpoint]
    metadata: Spread[Mapping[str, Any]]

    def trajectory(self) -> Trajectory:
        """The path for the figure."""
        return Trajectory(np.array([checkpoint.coordinates for checkpoint in self.checkpoints]), self.explained)


COLUMNS: Columns[Path] = {
    "network": lambda row: row.name,
    "checkpoints": lambda row: len(row.checkpoints),
    "first direction %": lambda row: f"{100 * row.explained[0]:.1f}",
    "second direction %": lambda row: f"{100 * row.explained[1]:.1f}",
    "both %": lambda row: f"{100 * sum(row.explained):.1f}",
}


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("training_paths", PathScale, report)


def report(name: str, scale: PathScale) -> None:
    """One scale, from its networks to its files."""
    found = [path_of(network, scale) for network in scale.trained_networks()]
    paths, surfaces = [path for path, _ in found], [surface for _, surface in found]
    value = f"{scale.splits[0]}_loss"
    figure = contours(surfaces, value, [path.trajectory() for path in paths])
    directory = write_results(name, by_name(paths), figures={"paths": figure}, table=table(COLUMNS, paths))
    write_surfaces(directory, surfaces, value)


def path_of(network: TrainedNetwork, scale: PathScale) -> tuple[Path, Surface]:
    """The principal plane of a run's checkpoints, the path in it, and the loss over it.

    Raises:
        UserError: the network is no run, or its run kept other checkpoints.
    """
    if network.run is None:
        raise UserError(f"{network.title}: weights from elsewhere have no path; name a run")
    finished = network.run.with_checkpoints()
    states = [finished.engine.init_state(), *finished.states()]
    weights = [state.scored()[0] for state in states]
    steps = [int(state.step) for state in states]
    about = {**network.identity, "directions": "principal", "steps": steps}

    def make() -> Directions:
        return Directions(*principal(weights[:-1], weights[-1]))

    directions = cached_directions(about, [principal], weights[-1], make)
    trees, explained = directions.value
    points = project(weights, weights[-1], trees)
    places = np.array([point.coordinates for point in points])
    objective = split_objective(network.module, network.task, network.splits, kernels=network.kernels)
    axes = [axis(places[:, number], scale) for number in range(2)]
    identity = {**about, "splits": scale.splits, **directions.versions, **versions(split_objective)}
    measure = at_points(objective, trees)
    surface = evaluate_surface(network.title, measure, axes, identity, directions, kernels=network.kernels)
    checkpoints = [Checkpoint(*point, step) for point, step in zip(points, steps, strict=True)]
    return Path(network.title, (explained[0], explained[1]), checkpoints, surface.metadata), surface


def axis(places: Float64[np.ndarray, "k"], scale: PathScale) -> Float64[np.ndarray, "n"]:
    """Steps from beyond one end of the path to beyond the other, at round numbers.

    The last bits of a projection would else make another plane of it, which is measured anew.
    """
    extent = np.ptp(places)
    unit = 10.0 ** (np.floor(np.log10(extent)) - 1)
    low, high = places.min() - scale.margin * extent, places.max() + scale.margin * extent
    return np.linspace(unit * np.floor(low / unit), unit * np.ceil(high / unit), scale.steps)


if __name__ == "__main__":
    main()
