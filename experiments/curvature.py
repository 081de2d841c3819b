"""Where the loss around a trained network is convex: |smallest / largest eigenvalue| of its Hessian over a plane.

Li et al. 2018 (arXiv:1712.09913), section 6 and Fig. 7.

`python -m experiments.curvature [profile=full]` measures what is not measured yet, as `conf/study/curvature.yaml` says,
and writes `curvature/SCALE/{table.md,results.json,ratio.png,*.npz}`. The true ends of the spectrum are not
inside of those that are found.
"""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from src.landscape.curvature import spectra_at
from src.landscape.surface import Surface
from src.markdown import markdown
from src.plots.surfaces import heat_maps
from src.randomness import stream
from src.studies.command import run_study
from src.studies.hessians import hessian_of
from src.studies.networks import TrainedNetwork
from src.studies.planes import PlaneScale, evaluate_surface, write_surfaces
from src.studies.results import write_results

COLUMNS = {
    "smallest": "smallest in the middle",
    "largest": "largest",
    "error": "an eigenvalue within",
    "ratio": "ratio",
    "median_smallest": "median smallest over the plane",
    "median_ratio": "median ratio",
    "greatest_ratio": "greatest ratio",
}
"""Of the table."""


class CurvatureScale(PlaneScale):
    """One size of the study.

    Attributes:
        products: with the Hessian, at each point.
    """

    products: Annotated[int, Field(gt=1)]


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("curvature", CurvatureScale, report)


def report(name: str, scale: CurvatureScale) -> None:
    """One scale, from its networks to its files."""
    found = [spectra(network, scale, seed) for network in scale.trained_networks() for seed in scale.seeds]
    facts = [describe(surface) for surface in found]
    rows = [
        [surface.title, surface.metadata["seed"], *(f"{own[key]:.4g}" for key in COLUMNS)]
        for surface, own in zip(found, facts, strict=True)
    ]
    table = markdown(["network", "seed", *COLUMNS.values()], rows)
    directory = write_results(name, facts, figures={"ratio": heat_maps(found, "curvature_ratio")}, table=table)
    write_surfaces(directory, found, "curvature_ratio")


def spectra(network: TrainedNetwork, scale: CurvatureScale, seed: int) -> Surface:
    """Both ends of the spectrum over the plane of a seed."""
    products, parameters = hessian_of(network, scale.splits[0])
    directions = scale.random_directions(network, parameters, seed)
    measure = spectra_at(products, parameters, directions.value.trees, stream(seed, "Lanczos"), scale.products)
    identity = scale.identity(network, seed, directions, spectra_at, products=scale.products, measured="spectrum")
    return evaluate_surface(network.title, measure, scale.axes(), identity, directions)


def describe(surface: Surface) -> dict[str, Any]:
    """What the table says of a network."""
    ratio, smallest = surface.value("curvature_ratio"), surface.value("smallest")
    return {
        "network": surface.title,
        "smallest": surface.middle("smallest"),
        "largest": surface.middle("largest"),
        "error": surface.middle("error"),
        "ratio": surface.middle("curvature_ratio"),
        "median_smallest": float(np.nanmedian(smallest)),
        "median_ratio": float(np.nanmedian(ratio)),
        "greatest_ratio": float(np.nanmax(ratio)),
        **surface.metadata,
    }


if __name__ == "__main__":
    main()
