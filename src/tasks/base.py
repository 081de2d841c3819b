"""What a task is: the meaning of a network's outputs."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ..config.settings import Settings
from ..data.batches import Batch, DeviceDataset, filled_batch
from ..data.examples import DataSpec
from ..randomness import Scalar
from .metrics import Headline

Sums = dict[str, Array]
"""Measurements of a batch that add up: over steps, over batches and over devices."""


def sum_over_batches(
    measure: Callable[[Batch], Any], data: DeviceDataset, batch_size: int, *, drop_remainder: bool = False
) -> Any:
    """The sum of what is measured of every batch of a split; to be called inside a compiled function.

    Args:
        measure: gives a tree of arrays, in which examples without weight count nothing.
        data: the split.
        batch_size: examples in a batch.
        drop_remainder: leaves a short last batch out.
    """
    examples = len(data.labels)
    batches = examples // batch_size if drop_remainder else -(-examples // batch_size)

    def of(number: Scalar) -> Any:
        return measure(filled_batch(data, number * batch_size, batch_size))

    zero = optax.tree.zeros_like(jax.eval_shape(of, 0))
    return jax.lax.fori_loop(0, batches, lambda number, total: jax.tree.map(jnp.add, total, of(number)), zero)


class Scores(NamedTuple):
    """What is reported of each example; the means are the loss and the accuracy of a split.

    Attributes:
        loss: of the example itself, neither mixed nor smoothed.
        correct: 1 if it is classified correctly, else 0.
    """

    loss: Float[Array, "b"]
    correct: Float[Array, "b"]


class TaskSettings(Settings):
    """Settings of a task. A training step knows nothing of what is learnt beyond these methods.

    Attributes:
        headline: the metric that decides.
    """

    headline: ClassVar[Headline]

    @abstractmethod
    def outputs(self, spec: DataSpec) -> int:
        """The length of the vector that a network has to give for one example."""

    @abstractmethod
    def losses(self, outputs: Float[Array, "b outputs"], batch: Batch) -> Float[Array, "b"]:
        """What is minimized, for each example."""

    @abstractmethod
    def scores(self, outputs: Float[Array, "b outputs"], batch: Batch) -> Scores:
        """Loss and correctness of each example."""

    @abstractmethod
    def sums(self, outputs: Float[Array, "b outputs"], batch: Batch, *, detailed: bool) -> Sums:
        """Measurements of a batch; `detailed` ones are worth their time in evaluation only."""

    @abstractmethod
    def summary(self, sums: dict[str, Any]) -> dict[str, Any]:
        """What the sums say, as plain numbers and lists with the names of the field."""
