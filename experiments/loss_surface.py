"""Loss surfaces of trained networks: without shortcuts, depth makes them chaotic.

Li et al. 2018 (arXiv:1712.09913), Figs 1, 4 and 5; chapter Figs 35, 36 and 41.

`python -m experiments.loss_surface [profile=published]` measures what is not measured yet, as
`conf/study/loss_surface.yaml` says, and writes `results/loss_surface/STAGE/`: table, numbers, figures, a page to turn
the surfaces by hand, and the surfaces for other programs.
"""

from src.huge_pages import restart_with_huge_pages

if __name__ == "__main__":
    restart_with_huge_pages()  # before anything heavy is imported

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from src.config.errors import reported
from src.landscape.evaluation import at_points
from src.landscape.export import write_csv, write_vts
from src.landscape.objective import BatchNorm, split_objective
from src.landscape.sharpness import nonconvex_share, share_below
from src.landscape.surface import Surface, save
from src.plots.surface_page import surface_page
from src.plots.surfaces import contours, heat_maps, landscapes
from src.runs.files import write_whole
from src.studies.estimates import Estimate, estimate
from src.studies.planes import PlaneStage
from src.studies.results import markdown, write_results
from src.studies.settings import StudySettings, read_study
from src.studies.subjects import Subject
from src.training.interruption import resumable

LEVELS = (1.0, 10.0)
"""Losses below which the share of the plane is told."""


class SurfaceStage(PlaneStage):
    """One size of the study.

    Attributes:
        batch_norm: which statistics the networks use on the way.
    """

    batch_norm: BatchNorm


def main() -> None:
    """Measures, draws and reports, stage by stage."""
    with reported(), resumable():
        settings = read_study(StudySettings[SurfaceStage], "loss_surface", sys.argv[1:])
        for name, stage in settings.chosen().items():
            report(f"loss_surface/{name}", stage)


def report(name: str, stage: SurfaceStage) -> None:
    """One stage, from its networks to its files."""
    found = {subject.title: [measured(subject, stage, seed) for seed in stage.seeds] for subject in stage.subjects()}
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
    measure = at_points(objective, stage.directions(objective.parameters, seed))
    return stage.survey(subject, seed, measure, batch_norm=stage.batch_norm)


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
