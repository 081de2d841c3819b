"""Loss surfaces of trained networks, with shortcuts and without.

Li et al. 2018 (arXiv:1712.09913), Figs 1, 4 and 5; chapter Figs 35, 36 and 41.

`python -m experiments.loss_surface [scale=published]` measures what is not measured yet, as
`conf/study/loss_surface.yaml` says, and writes `loss_surface/SCALE/`: table, numbers, figures, a page to turn
the surfaces by hand, and the surfaces for other programs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field, model_validator

from src.landscape.curvature import top_directions
from src.landscape.directions import orthogonal
from src.landscape.evaluation import at_points
from src.landscape.lanczos import PRODUCTS
from src.landscape.objective import BatchNorm, split_objective
from src.landscape.sampled import Tolerance
from src.landscape.sharpness import nonconvex_share, share_below
from src.landscape.surface import Surface
from src.models.functional import Tree
from src.plots.surface_page import surface_page
from src.plots.surfaces import contours, heat_maps, landscapes
from src.randomness import stream
from src.runs.versions import versions
from src.studies.cached import Cached
from src.studies.command import run_study
from src.studies.directions import Directions, cached_directions
from src.studies.estimates import Estimate, estimate
from src.studies.hessians import Curvature, curvature_of, hessian_of
from src.studies.networks import TrainedNetwork
from src.studies.planes import PlaneScale, evaluate_surface, surveyed_to_tolerance, write_surfaces
from src.studies.results import write_results
from src.studies.rows import Columns, Spread, by_name, table

PartT = TypeVar("PartT")

LEVELS = (1.0, 10.0)
"""Losses below which the share of the plane is reported."""


class SurfaceScale(PlaneScale):
    """One size of the study.

    Attributes:
        batch_norm: which batch statistics the networks use at other points.
        directions: random, or the eigenvectors of the two largest eigenvalues of the Hessian, of length 1.
        orthogonal: whether to orthogonalize the second random direction against the first.
        hessian: number of images of the first split for the Hessian at the minimum; null for no Hessian.
        tolerance: required standard error of the loss; null for all images at every point.
    """

    batch_norm: BatchNorm
    directions: Literal["gaussian", "eigenvectors"]
    orthogonal: bool
    hessian: Annotated[int, Field(gt=0)] | None
    tolerance: Tolerance | None

    @model_validator(mode="after")
    def _eigenvectors_are_as_they_are(self) -> "SurfaceScale":
        if self.directions == "eigenvectors" and (self.hessian is None or self.normalization != "none"):
            raise ValueError("directions=eigenvectors needs a number of images as hessian, and normalization=none")
        if self.directions == "eigenvectors" and self.one_dimensional:
            raise ValueError("directions=eigenvectors are of the tensors of more than one dimension: vectors=false")
        return self

    @model_validator(mode="after")
    def _eigenvectors_are_orthogonal(self) -> "SurfaceScale":
        if self.directions == "eigenvectors" and (self.orthogonal or len(self.seeds) > 1):
            raise ValueError(
                "directions=eigenvectors are orthogonal and the same for all seeds: orthogonal=false, one seed"
            )
        return self

    @model_validator(mode="after")
    def _hessian_has_fixed_statistics(self) -> "SurfaceScale":
        if self.hessian is not None and self.batch_norm != "frozen":
            raise ValueError(
                "the Hessian is that of the loss with batch_norm=frozen; else leave it out with hessian=null"
            )
        return self

    @model_validator(mode="after")
    def _recalibration_has_training_images(self) -> "SurfaceScale":
        if self.batch_norm == "recalibrated" and "train" not in self.splits:
            raise ValueError("batch_norm=recalibrated takes statistics from the training images; add train to splits")
        return self

    @model_validator(mode="after")
    def _samples_have_fixed_statistics(self) -> "SurfaceScale":
        if self.tolerance is not None and self.batch_norm != "frozen":
            raise ValueError(
                "a tolerance needs batch_norm=frozen: otherwise the loss of an image depends on the others"
            )
        return self


@dataclass(frozen=True)
class Sampling:
    """What a surface to a tolerance took.

    Attributes:
        images_share: of all images, those that were measured; a part of 1.
        largest_error: the largest standard error that is left, in parts of the loss.
    """

    images_share: float
    largest_error: float


@dataclass(frozen=True)
class Network:
    """What is said of a network; errors and shares of the plane are in percent, means over pairs of directions.

    Attributes:
        name: its title.
        published_test_error: that its paper states, if it does.
        trained: where its run comes from; none for weights from elsewhere.
        pairs: of directions.
        seeds: of the pairs.
        loss: on the first split, of the network itself.
        error: on the first split.
        test_error: if the test split is looked at.
        non_convex: share of the plane; none for surfaces from samples, whose noise would count as well.
        below: share of the plane with a loss below each level.
        sampling: if the surface is from samples.
        metadata: of the first surface, but its seed.
        curvature: if it was measured.
    """

    name: str
    published_test_error: float | None
    trained: Mapping[str, Any] | None
    pairs: int
    seeds: list[int]
    loss: float
    error: float
    test_error: float | None
    non_convex: Estimate | None
    below: dict[float, Estimate]
    sampling: Spread[Sampling | None]
    metadata: Spread[Mapping[str, Any]]
    curvature: Curvature | None


def below(level: float) -> Callable[[Network], Estimate]:
    """The share of the plane with a loss below a level."""
    return lambda row: row.below[level]


def optional(percent: float | None) -> str:
    """An error that may be unknown."""
    return "–" if percent is None else f"{percent:.2f}"


COLUMNS: Columns[Network] = {
    "network": lambda row: row.name,
    "loss": lambda row: f"{row.loss:.4g}",
    "test error %": lambda row: optional(row.test_error),
    "published test error %": lambda row: optional(row.published_test_error),
    "pairs": lambda row: row.pairs,
    "non-convex %": lambda row: row.non_convex or "–",
    **{f"loss < {level:g} %": below(level) for level in LEVELS},
}

SAMPLING: Columns[Sampling] = {
    "images %": lambda own: f"{100 * own.images_share:.1f}",
    "standard error up to %": lambda own: f"{100 * own.largest_error:.1f}",
}

CURVATURE: Columns[Curvature] = {
    "largest eigenvalue": lambda own: f"{own.largest:.3g}",
    "smallest": lambda own: f"{own.smallest:.3g}",
    "an eigenvalue within": lambda own: f"{max(own.errors):.3g}",
    "ratio": lambda own: f"{own.ratio:.3g}",
}


def within(part: Callable[[Network], PartT | None], columns: Columns[PartT]) -> Columns[Network]:
    """Columns of a part that a network may lack."""

    def shown(cell: Callable[[PartT], object], row: Network) -> object:
        own = part(row)
        return "–" if own is None else cell(own)

    return {heading: partial(shown, cell) for heading, cell in columns.items()}


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("loss_surface", SurfaceScale, report)


def report(name: str, scale: SurfaceScale) -> None:
    """One scale, from its networks to its files."""
    value = f"{scale.splits[0]}_loss"
    found: list[list[Surface]] = []
    rows = []
    for network, settings in zip(scale.trained_networks(), scale.networks, strict=True):
        found.append([surface_of(network, scale, seed) for seed in scale.seeds])
        rows.append(describe(network, settings.published, found[-1], scale))
    first = [surfaces[0] for surfaces in found]
    figures = {kind.__name__: kind(first, value) for kind in (contours, heat_maps, landscapes)}
    pages = {"surfaces": surface_page(first, "Loss surfaces")}
    directory = write_results(name, by_name(rows), figures=figures, table=as_table(rows), pages=pages)
    write_surfaces(directory, list(chain(*found)), value)


def surface_of(network: TrainedNetwork, scale: SurfaceScale, seed: int) -> Surface:
    """The surface of a network in the plane of a seed."""
    objective = split_objective(
        network.module, network.task, network.splits, batch_norm=scale.batch_norm, kernels=network.kernels
    )
    directions, about = plane(network, objective.parameters, scale, seed)
    identity = scale.identity(network, seed, directions, split_objective, batch_norm=scale.batch_norm, **about)
    if scale.tolerance is None:
        measure = at_points(objective, directions.value.trees)
        return evaluate_surface(network.title, measure, scale.axes(), identity, directions, kernels=network.kernels)
    return surveyed_to_tolerance(network, directions, scale.axes(), scale.tolerance, identity)


def plane(
    network: TrainedNetwork, parameters: Tree, scale: SurfaceScale, seed: int
) -> tuple[Cached[Directions], dict[str, Any]]:
    """The two directions, and their identity without the seed."""
    if scale.directions == "eigenvectors":
        return eigenvectors(network, parameters, scale, seed)
    random = scale.random_directions(network, parameters, seed)
    if not scale.orthogonal:
        return random, {}
    first, second = random.value.trees
    turned = Directions([first, orthogonal(second, first)], [])
    return replace(random, value=turned), {"orthogonal": True, **versions(orthogonal)}


def eigenvectors(
    network: TrainedNetwork, parameters: Tree, scale: SurfaceScale, seed: int
) -> tuple[Cached[Directions], dict[str, Any]]:
    """The two top eigenvectors of the Hessian at the minimum, and their identity."""
    about = {"directions": "eigenvectors", "hessian": scale.hessian}

    def make() -> Directions:
        products, _ = hessian_of(network, scale.splits[0], scale.hessian)
        return Directions(*top_directions(products, parameters, stream(seed, "Lanczos")))

    identity = {**about, "split": scale.splits[0], "products": PRODUCTS, "seed": seed, **network.identity}
    directions = cached_directions(identity, [top_directions], parameters, make)
    return directions, {**about, "eigenvalues": directions.value.numbers}


def describe(
    network: TrainedNetwork, published: float | None, surfaces: Sequence[Surface], scale: SurfaceScale
) -> Network:
    """What is said of a network."""
    one, split = surfaces[0], scale.splits[0]
    value = f"{split}_loss"
    tested, sampled = "test_accuracy" in one.values, f"{value}_error" in one.values
    return Network(
        name=network.title,
        published_test_error=published,
        trained=network.run.record() if network.run else None,
        pairs=len(surfaces),
        seeds=[surface.metadata["seed"] for surface in surfaces],
        loss=one.middle(value),
        error=100 * (1 - one.middle(f"{split}_accuracy")),
        test_error=100 * (1 - one.middle("test_accuracy")) if tested else None,
        non_convex=None if sampled else estimate([100 * nonconvex_share(surface, value) for surface in surfaces]),
        below={level: estimate([100 * share_below(surface, value, level) for surface in surfaces]) for level in LEVELS},
        sampling=sampling(one, split) if sampled else None,
        metadata={name: fact for name, fact in one.metadata.items() if name != "seed"},
        curvature=None if scale.hessian is None else curvature_of(network, split, scale.hessian, scale.seeds[0]),
    )


def sampling(surface: Surface, split: str) -> Sampling:
    """What a surface to a tolerance took."""
    share = surface.value(f"{split}_examples") / surface.metadata["examples"][split]
    relative = surface.value(f"{split}_loss_error") / surface.value(f"{split}_loss")
    return Sampling(float(share.mean()), float(np.nanmax(relative)))


def as_table(rows: Sequence[Network]) -> str:
    """How well each network does, how wide and how convex the plane is, and how sharp the minimum."""
    columns = {**COLUMNS}
    if any(row.sampling for row in rows):
        columns |= within(lambda row: row.sampling, SAMPLING)
    if any(row.curvature for row in rows):
        columns |= within(lambda row: row.curvature, CURVATURE)
    return table(columns, rows)


if __name__ == "__main__":
    main()
