"""Planes of weights through trained networks: which ones a study looks at, and where what it measures is cached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
from jaxtyping import Float64
from pydantic import Field, model_validator

from ..config.errors import UserError
from ..config.settings import Settings, renamed
from ..data.examples import LABEL
from ..landscape.directions import Normalization
from ..landscape.evaluation import Measure, scores_at, together
from ..landscape.export import write_csv, write_vts
from ..landscape.grid import coarse_to_fine, grid
from ..landscape.grid_evaluation import evaluate_grid
from ..landscape.sampled import Sampled, Tolerance
from ..landscape.surface import Surface, save
from ..models.functional import Tree
from ..operations.library import Library
from ..randomness import stream
from ..runs.identity import short_hash
from ..runs.versions import versions
from .cached import Cached
from .directions import Directions, random_directions
from .networks import NetworksScale, TrainedNetwork
from .progress import surface_progress
from .results import file_stem
from .settings import SeededScale

POINTS = Path("runs/surfaces")
"""Measurements are cached here as they come, in files that are named by what defines them."""


class AxisSettings(Settings):
    """Steps along a direction, in lengths of the network's own filters; one of them is 0, the network itself."""

    first: float
    last: float
    steps: Annotated[int, Field(gt=2)]

    @model_validator(mode="after")
    def _through_the_network(self) -> "AxisSettings":
        if self.first >= self.last:
            raise ValueError(f"an axis goes upwards, not from {self.first:g} to {self.last:g}")
        if not np.isclose(self.values(), 0).any():
            raise ValueError(
                f"none of the {self.steps} steps from {self.first:g} to {self.last:g} is 0, where the network is; from "
                "-1 to 1 an odd number of steps has it in the middle"
            )
        return self

    def values(self) -> Float64[np.ndarray, "n"]:
        """The steps."""
        return np.linspace(self.first, self.last, self.steps)


class PlaneScale(NetworksScale, SeededScale):
    """One size of a study of planes through networks; its seeds are those of the directions.

    Attributes:
        alpha: steps along the first direction.
        beta: steps along the second.
        normalization: of the directions.
        one_dimensional: whether biases and the tensors of batch normalization are moved too; the paper leaves them.
    """

    alpha: AxisSettings
    beta: AxisSettings
    normalization: Normalization
    one_dimensional: bool = renamed("vectors", False)

    def random_directions(self, network: TrainedNetwork, parameters: Tree, seed: int) -> Cached[Directions]:
        """Two random directions."""
        return random_directions(
            parameters,
            network.identity,
            seed=seed,
            count=2,
            normalization=self.normalization,
            one_dimensional=self.one_dimensional,
        )

    def axes(self) -> list[Float64[np.ndarray, "_"]]:
        """The steps along both directions."""
        return [self.alpha.values(), self.beta.values()]

    def identity(
        self,
        network: TrainedNetwork,
        seed: int,
        directions: Cached[Directions],
        measure: Callable[..., Any],
        /,
        **more: Any,
    ) -> dict[str, Any]:
        """What defines the values at the points of a plane, the versions of the code that measures them among it."""
        plane = {"splits": self.splits, "normalization": self.normalization, "seed": seed}
        plane |= (
            {"one_dimensional": True} if self.one_dimensional else {}
        )  # a setting that came later: surveys of before go on
        return {**plane, **network.identity, **more, **directions.versions, **versions(measure)}


def evaluate_surface(
    title: str,
    measure: Measure,
    axes: Sequence[Float64[np.ndarray, "_"]],
    identity: Mapping[str, Any],
    directions: Cached[Directions] | None = None,
    *,
    order: Sequence[int] | None = None,
    kernels: Library | None = None,
) -> Surface:
    """Surveys with progress, into the file that is named by all that defines the values.

    Args:
        title: see `evaluate_grid`, as for the others.
        measure: at places along the directions.
        axes: steps along them.
        identity: with the versions of the code that measures.
        directions: if they are cached; the surface names what made them beside what measured its points.
        order: of the points.
        kernels: by which `measure` computes.
    """
    points = points_file(axes, identity)
    with surface_progress(title) as callback:
        surface = evaluate_grid(
            measure,
            axes,
            title=title,
            identity=identity,
            points=points,
            callback=callback,
            order=order,
            kernels=kernels,
        )
    measured_by = {*surface.metadata["measured_by"], *([directions.measured_by] if directions else [])}
    return replace(surface, metadata={**surface.metadata, "measured_by": sorted(measured_by)})


def surveyed_to_tolerance(
    network: TrainedNetwork,
    directions: Cached[Directions],
    axes: Sequence[Float64[np.ndarray, "_"]],
    tolerance: Tolerance,
    identity: Mapping[str, Any],
) -> Surface:
    """The same, on as few images as a tolerance allows.

    Args:
        network: as it was trained, its statistics as they are.
        directions: one or two.
        axes: steps along them.
        tolerance: of the loss on each split.
        identity: what defines the values besides the tolerance; its seed draws the images.
    """
    counts = {name: data.examples for name, data in network.splits.items()}
    identity = {**identity, "tolerance": tolerance.model_dump(), "examples": counts, **versions(Sampled)}
    order, folder = coarse_to_fine(axes), points_file(axes, identity).with_suffix("")

    def sampled(split: str) -> Sampled:
        data = network.splits[split]
        images = jax.random.permutation(stream(identity["seed"], f"images of {split}"), data.examples)
        scores = scores_at(
            network.module, network.task, data, directions.value.trees, tolerance.examples, network.kernels
        )
        return Sampled(
            scores, np.asarray(data.targets[LABEL]), grid(axes)[order], tolerance, np.asarray(images), folder / split
        )

    measure = together({split: sampled(split) for split in network.splits})
    return evaluate_surface(network.title, measure, axes, identity, directions, order=order, kernels=network.kernels)


def write_surfaces(home: Path, surfaces: Sequence[Surface], value: str) -> None:
    """Writes surfaces as `.npz`, as tables and for ParaView, under their titles, and their seeds if these are several.

    A surface without any finite value has no height, and nothing for ParaView.

    Args:
        home: folder.
        surfaces: all of them.
        value: that is the height.

    Raises:
        UserError: they cannot be written.
    """
    try:
        for surface in surfaces:
            several = sum(surface.title == other.title for other in surfaces) > 1
            name = file_stem(surface.title) + (f"_{surface.metadata['seed']}" if several else "")
            save(surface, home / f"{name}.npz")
            write_csv(surface, home / f"{name}.csv")
            if np.isfinite(surface.value(value)).any():
                write_vts(surface, home / f"{name}.vts", value=value)
    except OSError as error:
        raise UserError(f"cannot write to {home}: {error.strerror}") from None


def points_file(axes: Sequence[Float64[np.ndarray, "_"]], identity: Mapping[str, Any]) -> Path:
    """Where measurements are cached, named by all that defines them."""
    return POINTS / f"{short_hash([dict(identity), *(axis.tolist() for axis in axes)])}.jsonl"
