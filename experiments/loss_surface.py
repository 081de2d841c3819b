"""Loss surfaces of trained networks: without shortcuts, depth makes them chaotic.

Li et al. 2018 (arXiv:1712.09913), Figs 1, 4 and 5; chapter Figs 35, 36 and 41.

`python -m experiments.loss_surface [profile=published]` measures what is not measured yet, as
`conf/study/loss_surface.yaml` says, and writes `results/loss_surface/STAGE/`: table, numbers, figures, a page to turn
the surfaces by hand, and the surfaces for other programs.
"""

from src.huge_pages import restart_with_huge_pages

if __name__ == "__main__":
    restart_with_huge_pages()  # before anything heavy is imported

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from src.config.errors import reported
from src.config.settings import Settings
from src.landscape.directions import Normalization, gaussian
from src.landscape.export import write_csv, write_vts
from src.landscape.objective import BatchNorm, split_objective
from src.landscape.sharpness import nonconvex_share, share_below
from src.landscape.surface import Surface, save
from src.landscape.survey import survey
from src.plots.surface_page import surface_page
from src.plots.surfaces import contours, heat_maps, landscapes
from src.randomness import stream
from src.runs.files import write_whole
from src.studies.estimates import Estimate, estimate
from src.studies.progress import surveying
from src.studies.results import markdown, write_results
from src.studies.settings import Stage, StudySettings, read_study
from src.studies.subjects import Subject, SubjectSettings, subjects
from src.training.interruption import resumable

POINTS = Path("runs/surfaces")
LEVELS = (1.0, 10.0)
"""Losses below which the share of the plane is told."""


class AxisSettings(Settings):
    """Steps along a direction, in lengths of the network's own filters."""

    first: float
    last: float
    steps: Annotated[int, Field(gt=0)]

    def values(self) -> Float64[np.ndarray, "n"]:
        """The steps."""
        return np.linspace(self.first, self.last, self.steps)


class SurfaceStage(Stage):
    """One size of the study; its seeds are those of the directions.

    Attributes:
        networks: whose surfaces are measured.
        splits: on which.
        images: at most so many of each, the same ones at every point; null for all.
        alpha: steps along the first direction.
        beta: steps along the second.
        normalization: of the directions.
        batch_norm: statistics that are used.
    """

    networks: Annotated[list[SubjectSettings], Field(min_length=1)]
    splits: Annotated[list[str], Field(min_length=1)]
    images: Annotated[int, Field(gt=0)] | None
    alpha: AxisSettings
    beta: AxisSettings
    normalization: Normalization
    batch_norm: BatchNorm


def main() -> None:
    """Measures, draws and reports, stage by stage."""
    with reported(), resumable():
        settings = read_study(StudySettings[SurfaceStage], "loss_surface", sys.argv[1:])
        for name, stage in settings.chosen().items():
            report(f"loss_surface/{name}", stage)


def report(name: str, stage: SurfaceStage) -> None:
    """One stage, from its networks to its files."""
    found = {
        subject.title: [measured(subject, stage, seed) for seed in stage.seeds]
        for subject in subjects(stage.networks, stage.common, stage.splits, stage.images)
    }
    value = f"{stage.splits[0]}_loss"
    facts = {title: describe(surfaces, value) for title, surfaces in found.items()}
    first = [surfaces[0] for surfaces in found.values()]
    figures = {kind.__name__: kind(first, value) for kind in (contours, heat_maps, landscapes)}
    directory = write_results(name, facts, figures=figures, table=as_table(facts))
    for surface in first:
        path = directory / surface.title.replace(" ", "_")
        save(surface, path.with_suffix(".npz"))
        write_csv(surface, path.with_suffix(".csv"))
        write_vts(surface, path.with_suffix(".vts"), value=value)
    write_whole(directory / "surfaces.html", surface_page(first, "Loss surfaces with and without shortcuts"))
    print(f"{directory}/surfaces.html")


def measured(subject: Subject, stage: SurfaceStage, seed: int) -> Surface:
    """The surface of a network along two random directions."""
    objective = split_objective(
        subject.module, subject.task, subject.outputs, subject.splits, batch_norm=stage.batch_norm
    )
    directions = [
        gaussian(stream(seed, name), objective.parameters, stage.normalization)
        for name in ("direction 1", "direction 2")
    ]
    identity = {
        **subject.identity,
        "splits": stage.splits,
        "normalization": stage.normalization,
        "batch_norm": stage.batch_norm,
        "seed": seed,
    }
    axes = [stage.alpha.values(), stage.beta.values()]
    digest = hashlib.sha256(json.dumps([identity, *(axis.tolist() for axis in axes)]).encode()).hexdigest()[:10]
    with surveying(f"{subject.title}, directions {seed}") as told:
        return survey(
            objective,
            directions,
            axes,
            title=subject.title,
            identity=identity,
            points=POINTS / f"{digest}.jsonl",
            on_points=told,
        )


def describe(surfaces: Sequence[Surface], value: str) -> dict[str, Any]:
    """What the table says of a network; means are over pairs of directions."""
    accuracy = value.replace("loss", "accuracy")
    return {
        "pairs": len(surfaces),
        "loss": middle(surfaces[0], value),
        "error": 100 * (1 - middle(surfaces[0], accuracy)),
        "non_convex": estimate([100 * nonconvex_share(surface, value) for surface in surfaces])._asdict(),
        "below": {
            str(level): estimate([100 * share_below(surface, value, level) for surface in surfaces])._asdict()
            for level in LEVELS
        },
        **surfaces[0].metadata,
    }


def middle(surface: Surface, name: str) -> float:
    """The value at the point of the grid that is nearest to the network itself."""
    assert surface.beta is not None
    row, column = np.abs(surface.alpha).argmin(), np.abs(surface.beta).argmin()
    return float(surface.value(name)[row, column])


def as_table(facts: dict[str, Any]) -> str:
    """How wide and how convex the plane is, for each network."""
    heading = ["network", "loss", "error %", "pairs", "non-convex %", *(f"loss < {level:g} %" for level in LEVELS)]
    rows = [
        [
            title,
            f"{own['loss']:.4f}",
            f"{own['error']:.2f}",
            own["pairs"],
            Estimate(**own["non_convex"]),
            *(Estimate(**share) for share in own["below"].values()),
        ]
        for title, own in facts.items()
    ]
    return markdown(heading, rows)


if __name__ == "__main__":
    main()
