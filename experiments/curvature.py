"""Where the loss around a trained network is convex: |smallest / largest eigenvalue| of its Hessian over a plane.

Li et al. 2018 (arXiv:1712.09913), section 6 and Fig. 7.

`python -m experiments.curvature [scale=full]` measures what is not measured yet, as `conf/study/curvature.yaml` says,
and writes `curvature/SCALE/{table.md,results.json,ratio.png,*.npz}`. The true ends of the spectrum are not
inside of those that are found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from src.landscape.curvature import spectra_at
from src.landscape.surface import Surface
from src.plots.surfaces import heat_maps
from src.randomness import stream
from src.studies.command import run_study
from src.studies.hessians import hessian_of
from src.studies.networks import TrainedNetwork
from src.studies.planes import PlaneScale, evaluate_surface, write_surfaces
from src.studies.results import write_results
from src.studies.rows import Columns, Spread, entries, table


class CurvatureScale(PlaneScale):
    """One size of the study.

    Attributes:
        products: with the Hessian, at each point.
    """

    products: Annotated[int, Field(gt=1)]


@dataclass(frozen=True)
class Eigenvalues:
    """The ends of the Hessian's spectrum over a plane through a network.

    Attributes:
        network: its title.
        smallest: at the network itself.
        largest: at the network itself.
        error: so far from these two are some true eigenvalues, at most.
        ratio: |smallest / largest| at the network itself.
        median_smallest: over the plane.
        median_ratio: over the plane.
        greatest_ratio: over the plane.
        metadata: of the surface.
    """

    network: str
    smallest: float
    largest: float
    error: float
    ratio: float
    median_smallest: float
    median_ratio: float
    greatest_ratio: float
    metadata: Spread[Mapping[str, Any]]

    @property
    def seed(self) -> int:
        """Of the directions."""
        return int(self.metadata["seed"])


COLUMNS: Columns[Eigenvalues] = {
    "network": lambda row: row.network,
    "seed": lambda row: row.seed,
    "smallest in the middle": lambda row: f"{row.smallest:.4g}",
    "largest": lambda row: f"{row.largest:.4g}",
    "an eigenvalue within": lambda row: f"{row.error:.4g}",
    "ratio": lambda row: f"{row.ratio:.4g}",
    "median smallest over the plane": lambda row: f"{row.median_smallest:.4g}",
    "median ratio": lambda row: f"{row.median_ratio:.4g}",
    "greatest ratio": lambda row: f"{row.greatest_ratio:.4g}",
}


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("curvature", CurvatureScale, report)


def report(name: str, scale: CurvatureScale) -> None:
    """One scale, from its networks to its files."""
    found = [spectra(network, scale, seed) for network in scale.trained_networks() for seed in scale.seeds]
    rows = list(map(describe, found))
    directory = write_results(
        name,
        list(map(entries, rows)),
        figures={"ratio": heat_maps(found, "curvature_ratio")},
        table=table(COLUMNS, rows),
    )
    write_surfaces(directory, found, "curvature_ratio")


def spectra(network: TrainedNetwork, scale: CurvatureScale, seed: int) -> Surface:
    """Smallest and largest eigenvalue over the plane of a seed."""
    products, parameters = hessian_of(network, scale.splits[0])
    directions = scale.random_directions(network, parameters, seed)
    measure = spectra_at(products, parameters, directions.value.trees, stream(seed, "Lanczos"), scale.products)
    identity = scale.identity(network, seed, directions, spectra_at, products=scale.products, measured="spectrum")
    return evaluate_surface(network.title, measure, scale.axes(), identity, directions)


def describe(surface: Surface) -> Eigenvalues:
    """What is said of a network."""
    ratio, smallest = surface.value("curvature_ratio"), surface.value("smallest")
    return Eigenvalues(
        network=surface.title,
        smallest=surface.middle("smallest"),
        largest=surface.middle("largest"),
        error=surface.middle("error"),
        ratio=surface.middle("curvature_ratio"),
        median_smallest=float(np.nanmedian(smallest)),
        median_ratio=float(np.nanmedian(ratio)),
        greatest_ratio=float(np.nanmax(ratio)),
        metadata=surface.metadata,
    )


if __name__ == "__main__":
    main()
