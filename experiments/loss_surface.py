"""Loss surfaces of trained networks, with shortcuts and without.

Li et al. 2018 (arXiv:1712.09913), Figs 1, 4 and 5; chapter Figs 35, 36 and 41.

`python -m experiments.loss_surface [profile=published]` measures what is not measured yet, as
`conf/study/loss_surface.yaml` says, and writes `loss_surface/SCALE/`: table, numbers, figures, a page to turn
the surfaces by hand, and the surfaces for other programs.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from src.landscape.curvature import kernel_count, top_directions
from src.landscape.directions import orthogonal
from src.landscape.evaluation import at_points
from src.landscape.lanczos import PRODUCTS, extreme_eigenvalues
from src.landscape.objective import BatchNorm, split_objective
from src.landscape.sampled import Tolerance
from src.landscape.sharpness import nonconvex_share, share_below
from src.landscape.surface import Surface
from src.markdown import markdown
from src.models.functional import Tree
from src.plots.surface_page import surface_page
from src.plots.surfaces import contours, heat_maps, landscapes
from src.randomness import stream
from src.runs.versions import versions
from src.studies.cached import Cached, cached
from src.studies.command import run_study
from src.studies.directions import Directions, cached_directions
from src.studies.estimates import Estimate, estimate
from src.studies.hessians import hessian_of
from src.studies.networks import TrainedNetwork
from src.studies.planes import PlaneScale, evaluate_surface, surveyed_to_tolerance, write_surfaces
from src.studies.results import write_results

LEVELS = (1.0, 10.0)
"""Losses below which the share of the plane is reported."""


class SurfaceScale(PlaneScale):
    """One size of the study.

    Attributes:
        batch_norm: which statistics the networks use on the way.
        directions: random ones, or the Hessian's eigenvectors of its two largest eigenvalues, of length 1.
        orthogonal: whether the second random direction loses its part along the first.
        hessian: at most so many images of the first split define the Hessian at the minimum; null leaves it out.
        tolerance: standard error of the loss at which a point is known well enough; null takes all images everywhere.
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


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("loss_surface", SurfaceScale, report)


def report(name: str, scale: SurfaceScale) -> None:
    """One scale, from its networks to its files."""
    value = f"{scale.splits[0]}_loss"
    found: dict[str, list[Surface]] = {}
    facts = {}
    for network, settings in zip(scale.trained_networks(), scale.networks, strict=True):
        surfaces = [surface_of(network, scale, seed) for seed in scale.seeds]
        found[network.title] = surfaces
        facts[network.title] = {
            "published_test_error": settings.published,
            "trained": network.run.record() if network.run else None,
            **describe(surfaces, value),
            "curvature": curvature(network, scale),
        }
    first = [surfaces[0] for surfaces in found.values()]
    figures = {kind.__name__: kind(first, value) for kind in (contours, heat_maps, landscapes)}
    pages = {"surfaces": surface_page(first, "Loss surfaces")}
    directory = write_results(name, facts, figures=figures, table=as_table(facts), pages=pages)
    write_surfaces(directory, list(chain(*found.values())), value)


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
    """The two directions, and what defines them besides the seed."""
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
    """The Hessian's two top eigenvectors at the minimum, and what defines them."""
    about = {"directions": "eigenvectors", "hessian": scale.hessian}

    def make() -> Directions:
        products, _ = hessian_of(network, scale.splits[0], scale.hessian)
        return Directions(*top_directions(products, parameters, stream(seed, "Lanczos")))

    identity = {**about, "split": scale.splits[0], "products": PRODUCTS, "seed": seed, **network.identity}
    directions = cached_directions(identity, [top_directions], parameters, make)
    return directions, {**about, "eigenvalues": directions.value.numbers}


def curvature(network: TrainedNetwork, scale: SurfaceScale) -> dict[str, Any] | None:
    """The ends of the Hessian's spectrum at the minimum, if the scale wants them."""
    if scale.hessian is None:
        return None
    split, seed = scale.splits[0], scale.seeds[0]
    images = min(scale.hessian, len(network.splits[split].labels))

    def spectrum() -> dict[str, Any]:
        products, parameters = hessian_of(network, split, images)
        found = extreme_eigenvalues(products(parameters), kernel_count(parameters), stream(seed, "Lanczos"))
        return {**found._asdict(), "ratio": found.ratio, "images": images}

    about = {"measure": "spectrum", "split": split, "hessian": images, "products": PRODUCTS, "seed": seed}
    found = cached({**about, **network.identity}, [extreme_eigenvalues], spectrum)
    return {**found.value, "measured_by": [found.measured_by]}


def describe(surfaces: Sequence[Surface], value: str) -> dict[str, Any]:
    """What the table says of a network; means are over pairs of directions."""
    one = surfaces[0]
    tested, sampled = "test_accuracy" in one.values, f"{value}_error" in one.values
    return {
        "pairs": len(surfaces),
        "seeds": [surface.metadata["seed"] for surface in surfaces],
        "loss": one.middle(value),
        "error": 100 * (1 - one.middle(value.replace("loss", "accuracy"))),
        "test_error": 100 * (1 - one.middle("test_accuracy")) if tested else None,
        "non_convex": None  # noise would count as well
        if sampled
        else estimate([100 * nonconvex_share(surface, value) for surface in surfaces])._asdict(),
        "below": {
            str(level): estimate([100 * share_below(surface, value, level) for surface in surfaces])._asdict()
            for level in LEVELS
        },
        **(effort(one, value) if sampled else {}),
        **{name: fact for name, fact in one.metadata.items() if name != "seed"},
    }


def effort(surface: Surface, value: str) -> dict[str, float]:
    """What a surface to a tolerance took: the part of all images, and the largest standard error that is left."""
    split = value.removesuffix("_loss")
    share = surface.value(f"{split}_examples") / surface.metadata["examples"][split]
    relative = surface.value(f"{value}_error") / surface.value(value)
    return {"images_share": float(share.mean()), "largest_error": float(np.nanmax(relative))}


def as_table(facts: dict[str, Any]) -> str:
    """How well each network does, how wide and how convex the plane is, and how sharp the minimum."""
    sharp = any(own["curvature"] for own in facts.values())
    heading = ["network", "loss", "test error %", "published test error %", "pairs", "non-convex %"]
    heading += [f"loss < {level:g} %" for level in LEVELS]
    sampled = any("images_share" in own for own in facts.values())
    heading += ["images %", "standard error up to %"] if sampled else []
    heading += ["largest eigenvalue", "smallest", "an eigenvalue within", "ratio"] if sharp else []
    rows = [
        [
            title,
            f"{own['loss']:.4g}",
            *("–" if own[error] is None else f"{own[error]:.2f}" for error in ("test_error", "published_test_error")),
            own["pairs"],
            Estimate(**own["non_convex"]) if own["non_convex"] else "–",
            *(Estimate(**share) for share in own["below"].values()),
            *((f"{100 * own[part]:.1f}" for part in ("images_share", "largest_error")) if sampled else []),
            *(ends(own["curvature"]) if sharp else []),
        ]
        for title, own in facts.items()
    ]
    return markdown(heading, rows)


def ends(curvature: dict[str, Any]) -> list[str]:
    """The ends of a spectrum as found, how far from some true eigenvalue they may be, and |smallest / largest|."""
    bound = max(curvature["errors"])
    return [f"{number:.3g}" for number in (curvature["largest"], curvature["smallest"], bound, curvature["ratio"])]


if __name__ == "__main__":
    main()
