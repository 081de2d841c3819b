"""The path of training over the loss, in the plane that holds most of it.

Li et al. 2018 (arXiv:1712.09913), section 7 and Fig. 9.

`python -m experiments.training_paths [profile=full]` measures what is not measured yet, as
`conf/study/training_paths.yaml` says, and writes `training_paths/SCALE/{table.md,results.json,paths.png}`.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from src.config.errors import UserError
from src.landscape.directions import principal
from src.landscape.evaluation import at_points
from src.landscape.objective import split_objective
from src.landscape.surface import Surface
from src.landscape.trajectories import Projection, project
from src.markdown import markdown
from src.plots.surfaces import Trajectory, contours
from src.runs.versions import versions
from src.studies.command import run_study
from src.studies.directions import Directions, cached_directions
from src.studies.networks import TrainedNetwork
from src.studies.planes import NetworksScale, evaluate_surface, write_surfaces
from src.studies.results import write_results


class PathScale(NetworksScale):
    """One size of the study.

    Attributes:
        margin: of the plane beyond the ends of the path, in parts of the path's extent.
        steps: of the grid along both directions.
    """

    margin: Annotated[float, Field(ge=0)]
    steps: Annotated[int, Field(gt=1)]


class Path(NamedTuple):
    """A run's path and the loss around it."""

    surface: Surface
    explained: tuple[float, float]
    points: list[Projection]


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("training_paths", PathScale, report)


def report(name: str, scale: PathScale) -> None:
    """One scale, from its networks to its files."""
    paths = [path_of(network, scale) for network in scale.trained_networks()]
    value = f"{scale.splits[0]}_loss"
    trajectories = [
        Trajectory(np.array([point.coordinates for point in path.points]), path.explained) for path in paths
    ]
    figure = contours([path.surface for path in paths], value, trajectories)
    heading = ["network", "checkpoints", "first direction %", "second direction %", "both %"]
    rows = [
        [
            path.surface.title,
            len(path.points),
            *(f"{100 * share:.1f}" for share in (*path.explained, sum(path.explained))),
        ]
        for path in paths
    ]
    facts = {path.surface.title: describe(path) for path in paths}
    directory = write_results(name, facts, figures={"paths": figure}, table=markdown(heading, rows))
    write_surfaces(directory, [path.surface for path in paths], value)


def path_of(network: TrainedNetwork, scale: PathScale) -> Path:
    """The principal plane of a run's checkpoints, the path in it, and the loss over it.

    Raises:
        UserError: the network is no run, or its run kept other checkpoints.
    """
    if network.run is None:
        raise UserError(f"{network.title}: weights from elsewhere have no path; name a run")
    finished = network.run.with_checkpoints()
    states = [finished.engine.init_state(), *finished.states()]
    weights = [state.scored()[0] for state in states]
    about = {**network.identity, "directions": "principal", "steps": [int(state.step) for state in states]}

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
    return Path(surface, (explained[0], explained[1]), points)


def axis(places: Float64[np.ndarray, "k"], scale: PathScale) -> Float64[np.ndarray, "n"]:
    """Steps from beyond one end of the path to beyond the other, at round numbers.

    The last bits of a projection would else make another plane of it, which is measured anew.
    """
    extent = np.ptp(places)
    unit = 10.0 ** (np.floor(np.log10(extent)) - 1)
    low, high = places.min() - scale.margin * extent, places.max() + scale.margin * extent
    return np.linspace(unit * np.floor(low / unit), unit * np.ceil(high / unit), scale.steps)


def describe(path: Path) -> dict[str, Any]:
    """All numbers of a path."""
    return {
        "explained": path.explained,
        "checkpoints": [
            {**point._asdict(), "step": step}
            for point, step in zip(path.points, path.surface.metadata["steps"], strict=True)
        ],
        **path.surface.metadata,
    }


if __name__ == "__main__":
    main()
