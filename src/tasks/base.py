"""What a task is: the meaning of a network's outputs."""

from abc import abstractmethod
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from src.config.settings import Settings
from src.data.batches import Batch
from src.data.examples import DataSpec

Sums = dict[str, Array]
"""Measurements of a batch that add up: over steps, over batches and over devices."""


class Scores(NamedTuple):
    """What is reported of each example; the means are the loss and the accuracy of a split.

    Attributes:
        loss: of the example itself, neither mixed nor smoothed.
        hit: 1 if it is classified correctly, else 0.
    """

    loss: Float[Array, "b"]
    hit: Float[Array, "b"]


class TaskSettings(Settings):
    """Settings of a task. A training step knows nothing of what is learnt beyond these methods."""

    @abstractmethod
    def outputs(self, spec: DataSpec) -> int:
        """The length of the vector that a network has to give for one example."""

    @abstractmethod
    def losses(self, outputs: Float[Array, "b outputs"], batch: Batch) -> Float[Array, "b"]:
        """What is minimized, for each example."""

    @abstractmethod
    def scores(self, outputs: Float[Array, "b outputs"], batch: Batch) -> Scores:
        """Loss and hit of each example."""

    @abstractmethod
    def sums(self, outputs: Float[Array, "b outputs"], batch: Batch, *, detailed: bool) -> Sums:
        """Measurements of a batch; `detailed` ones are worth their time in evaluation only."""

    @abstractmethod
    def summary(self, sums: dict[str, Any]) -> dict[str, Any]:
        """What the sums say, as plain numbers and lists with the names of the field."""
