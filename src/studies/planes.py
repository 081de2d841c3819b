"""Planes of weights through trained networks: which ones a study looks at, and where what it measures is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from src.config.settings import Settings
from src.landscape.directions import Normalization, gaussian
from src.landscape.evaluation import Measure
from src.landscape.surface import Surface
from src.landscape.survey import survey
from src.randomness import stream
from src.studies.progress import surveying
from src.studies.settings import Stage
from src.studies.subjects import Subject, SubjectSettings, subjects
from src.training.state import Tree

POINTS = Path("runs/surfaces")
"""Measurements are kept here as they come, in files that are named by what defines them."""


class AxisSettings(Settings):
    """Steps along a direction, in lengths of the network's own filters."""

    first: float
    last: float
    steps: Annotated[int, Field(gt=0)]

    def values(self) -> Float64[np.ndarray, "n"]:
        """The steps."""
        return np.linspace(self.first, self.last, self.steps)


class PlaneStage(Stage):
    """One size of a study of planes; its seeds are those of the directions.

    Attributes:
        networks: through which the planes go.
        splits: on which is measured.
        images: at most so many of each, the same ones at every point; null for all.
        alpha: steps along the first direction.
        beta: steps along the second.
        normalization: of the directions.
    """

    networks: Annotated[list[SubjectSettings], Field(min_length=1)]
    splits: Annotated[list[str], Field(min_length=1)]
    images: Annotated[int, Field(gt=0)] | None
    alpha: AxisSettings
    beta: AxisSettings
    normalization: Normalization

    def subjects(self) -> list[Subject]:
        """The networks, trained if they are not yet."""
        return subjects(self.networks, self.common, self.splits, self.images)

    def random_directions(self, parameters: Tree, seed: int) -> list[Tree]:
        """Two random directions."""
        names = ("direction 1", "direction 2")
        return [gaussian(stream(seed, name), parameters, self.normalization) for name in names]

    def survey(self, subject: Subject, seed: int, measure: Measure, **identity: Any) -> Surface:
        """Measures the plane of a seed, or what is left of it.

        Args:
            subject: the network.
            seed: of the directions.
            measure: what is measured, at steps along the directions.
            identity: what defines it besides the network, the images and the plane.
        """
        about = {
            "splits": self.splits,
            "normalization": self.normalization,
            "seed": seed,
            **subject.identity,
            **identity,
        }
        return surveyed(subject.title, measure, [self.alpha.values(), self.beta.values()], about)


def surveyed(
    title: str, measure: Measure, axes: Sequence[Float64[np.ndarray, "_"]], identity: Mapping[str, Any]
) -> Surface:
    """Surveys with progress, into the file that is named by all that defines the values."""
    content = json.dumps([dict(identity), *(axis.tolist() for axis in axes)], sort_keys=True)
    points = POINTS / f"{hashlib.sha256(content.encode()).hexdigest()[:10]}.jsonl"
    with surveying(title) as told:
        return survey(measure, axes, title=title, identity=identity, points=points, told=told)
