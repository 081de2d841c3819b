"""Where the loss around a trained network is convex: |smallest / largest eigenvalue| of its Hessian over a plane.

Li et al. 2018 (arXiv:1712.09913), section 6 and Fig. 7.

`python -m experiments.curvature [profile=full]` measures what is not measured yet, as `conf/study/curvature.yaml` says,
and writes `results/curvature/STAGE/{table.md,results.json,ratio.png,*.npz}`. Eigenvalues are known to 1 % of the larger
magnitude of the two, or as well as the allowed products reach.
"""

from src.huge_pages import restart_with_huge_pages

if __name__ == "__main__":
    restart_with_huge_pages()  # before anything heavy is imported

import sys
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from src.config.errors import reported
from src.landscape.curvature import spectra_at
from src.landscape.surface import Surface, save
from src.plots.surfaces import heat_maps
from src.randomness import stream
from src.studies.hessians import hessian_of
from src.studies.planes import PlaneStage, surveyed
from src.studies.results import markdown, write_results
from src.studies.settings import StudySettings, read_study
from src.studies.subjects import Subject
from src.training.interruption import resumable


class CurvatureStage(PlaneStage):
    """One size of the study.

    Attributes:
        products: with the Hessian, at each point at most.
    """

    products: Annotated[int, Field(gt=1)]


def main() -> None:
    """Measures, draws and reports, stage by stage."""
    with reported(), resumable():
        settings = read_study(StudySettings[CurvatureStage], "curvature", sys.argv[1:])
        for name, stage in settings.chosen().items():
            report(f"curvature/{name}", stage)


def report(name: str, stage: CurvatureStage) -> None:
    """One stage, from its networks to its files."""
    found = [spectra(subject, stage, seed) for subject in stage.subjects() for seed in stage.seeds]
    facts = {surface.title: describe(surface) for surface in found}
    heading = ["network", "smallest in the middle", "largest", "ratio", "mean ratio over the plane", "greatest ratio"]
    rows = [[title, *(f"{own[key]:.2f}" for key in list(own)[:5])] for title, own in facts.items()]
    directory = write_results(
        name, facts, figures={"ratio": heat_maps(found, "curvature_ratio")}, table=markdown(heading, rows)
    )
    for surface in found:
        save(surface, directory / f"{surface.title.replace(' ', '_')}.npz")


def spectra(subject: Subject, stage: CurvatureStage, seed: int) -> Surface:
    """Both ends of the spectrum over the plane of a seed."""
    products, parameters = hessian_of(subject, stage.splits[0])
    directions = stage.random_directions(parameters, seed)
    measure = spectra_at(products, parameters, directions, stream(seed, "Lanczos"), stage.products)
    identity = stage.identity(subject, seed, products=stage.products, measured="spectrum")
    return surveyed(subject.title, measure, stage.axes(), identity)


def describe(surface: Surface) -> dict[str, Any]:
    """What the table says of a network."""
    middle = tuple(length // 2 for length in surface.shape)
    ratio = surface.value("curvature_ratio")
    return {
        "smallest": float(surface.value("smallest")[middle]),
        "largest": float(surface.value("largest")[middle]),
        "ratio": float(ratio[middle]),
        "mean_ratio": float(np.nanmean(ratio)),
        "greatest_ratio": float(np.nanmax(ratio)),
        **surface.metadata,
    }


if __name__ == "__main__":
    main()
