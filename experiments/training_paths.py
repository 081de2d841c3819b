"""The path of training over the loss, in the plane that holds most of it.

Li et al. 2018 (arXiv:1712.09913), section 7 and Fig. 9.

`python -m experiments.training_paths [profile=full]` measures what is not measured yet, as
`conf/study/training_paths.yaml` says, and writes `results/training_paths/STAGE/{table.md,results.json,paths.png}`.
"""

from src.huge_pages import restart_with_huge_pages

if __name__ == "__main__":
    restart_with_huge_pages()  # before anything heavy is imported

import sys
from typing import Annotated, Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from pydantic import Field, model_validator

from src.config.errors import UserError, reported
from src.landscape.directions import principal
from src.landscape.evaluation import at_points
from src.landscape.objective import split_objective
from src.landscape.surface import Surface
from src.landscape.trajectories import Projection, project
from src.plots.surfaces import Trajectory, contours
from src.studies.planes import surveyed
from src.studies.results import check_file_stems, markdown, write_results
from src.studies.settings import Stage, StudySettings, read_study
from src.studies.subjects import SplitName, Subject, SubjectSettings, subjects
from src.training.interruption import resumable


class PathStage(Stage):
    """One size of the study.

    Attributes:
        networks: whose paths are drawn.
        splits: on which the loss is measured.
        images: at most so many of each; null for all.
        margin: of the plane beyond the ends of the path, in parts of the path's extent.
        steps: of the grid along both directions.
    """

    networks: Annotated[list[SubjectSettings], Field(min_length=1)]
    splits: Annotated[list[SplitName], Field(min_length=1)]
    images: Annotated[int, Field(gt=0)] | None
    margin: Annotated[float, Field(ge=0)]
    steps: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def _check_titles(self) -> "PathStage":
        check_file_stems([network.title for network in self.networks])
        return self


class Path(NamedTuple):
    """A run's path and the loss around it."""

    surface: Surface
    explained: tuple[float, float]
    points: list[Projection]


def main() -> None:
    """Measures, draws and reports, stage by stage."""
    with reported(), resumable():
        settings = read_study(StudySettings[PathStage], "training_paths", sys.argv[1:])
        for name, stage in settings.chosen().items():
            report(f"training_paths/{name}", stage)


def report(name: str, stage: PathStage) -> None:
    """One stage, from its networks to its files."""
    networks = subjects(stage.networks, stage.common, stage.splits, stage.images)
    paths = [path_of(subject, stage) for subject in networks]
    trajectories = [
        Trajectory(np.array([point.coordinates for point in path.points]), path.explained) for path in paths
    ]
    figure = contours([path.surface for path in paths], f"{stage.splits[0]}_loss", trajectories)
    heading = ["network", "checkpoints", "first direction %", "second direction %", "both %"]
    rows = [
        [
            path.surface.title,
            len(path.points),
            *(f"{100 * share:.1f}" for share in (*path.explained, sum(path.explained))),
        ]
        for path in paths
    ]
    write_results(
        name,
        {path.surface.title: describe(path) for path in paths},
        figures={"paths": figure},
        table=markdown(heading, rows),
    )


def path_of(subject: Subject, stage: PathStage) -> Path:
    """The principal plane of a run's checkpoints, the path in it, and the loss over it.

    Raises:
        UserError: the network is no run, or its run kept other checkpoints.
    """
    if subject.run is None:
        raise UserError(f"{subject.title}: weights from elsewhere have no path; name a run")
    finished = subject.run.with_checkpoints()
    states = [finished.engine.initial_state(), *finished.states()]
    weights = [state.scored()[0] for state in states]
    found = principal(weights[:-1], weights[-1])
    points = project(weights, weights[-1], found.directions)
    places = np.array([point.coordinates for point in points])
    objective = split_objective(subject.module, subject.task, subject.splits)
    identity = {
        **subject.identity,
        "splits": stage.splits,
        "plane": "principal",
        "steps": [int(s.step) for s in states],
    }
    axes = [axis(places[:, number], stage) for number in range(2)]
    surface = surveyed(subject.title, at_points(objective, found.directions), axes, identity)
    return Path(surface, (found.explained[0], found.explained[1]), points)


def axis(places: Float64[np.ndarray, "k"], stage: PathStage) -> Float64[np.ndarray, "n"]:
    """Steps from beyond one end of the path to beyond the other."""
    beyond = stage.margin * np.ptp(places)
    return np.linspace(places.min() - beyond, places.max() + beyond, stage.steps)


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
