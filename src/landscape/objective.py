"""Objectives of landscapes: measurements as pure functions of a network's weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError
from ..data.batches import Batch, DeviceDataset, filled_batch
from ..models.functional import Network, Tree
from ..operations.fused import with_kernels
from ..operations.library import Library
from ..runs.versions import version
from ..tasks.base import Sums, TaskSettings, sum_over_batches

BatchNorm = Literal["frozen", "recalibrated", "batch"]
"""Statistics of batch normalization: those of the trained network (the paper's), of the training images with the moved
weights, or of each batch by itself."""


def _numbers(measured: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in measured.items()}


@dataclass(frozen=True)
class Objective:
    """Measurements of a network with any weights.

    Attributes:
        measure: a pure function from weights and data to a dictionary of arrays; traced by JAX, never mapped over
            weights with `vmap`.
        parameters: the weights at the centre of the landscape.
        data: the other inputs of `measure`, such as images and labels: any tree of arrays.
        summary: turns the arrays of one point into numbers, on the host.
    """

    measure: Callable[[Tree, Any], Mapping[str, Any]]
    parameters: Tree
    data: Any
    summary: Callable[[Mapping[str, Any]], dict[str, float]] = _numbers


def network_of(module: nnx.Module, kernels: Library | None = None) -> Network:
    """A network as a function of its weights; the module is not changed.

    Args:
        module: with the weights and batch statistics at the centre.
        kernels: for the network if no gradient is needed; None for XLA's operations.
    """
    module = nnx.clone(module)
    return Network(module, with_kernels(module, kernels))


class SplitMeasure:
    """Sums of losses and correct predictions over whole splits, as a function of a network's weights."""

    def __init__(
        self,
        module: nnx.Module,
        task: TaskSettings,
        batch_norm: BatchNorm,
        batch_size: int,
        kernels: Library | None,
    ) -> None:
        """For the arguments see `split_objective`."""
        self._network = network_of(module, kernels)
        self.parameters = self._network.parameters
        self._batch_stats = jax.tree.map(
            jnp.array, jax.device_get(self._network.batch_stats)
        )  # of no mesh of the training
        self._task, self._batch_norm, self._batch_size = task, batch_norm, batch_size

    def __call__(self, parameters: Tree, data: Mapping[str, DeviceDataset]) -> dict[str, Sums]:
        recalibrated = self._batch_norm == "recalibrated"
        batch_stats = self._recalibrated(parameters, data["train"]) if recalibrated else self._batch_stats
        return {name: self._sums(parameters, batch_stats, split) for name, split in data.items()}

    def _sums(self, parameters: Tree, batch_stats: Tree, data: DeviceDataset) -> Sums:
        in_batch = self._batch_norm == "batch"

        def sums(batch: Batch) -> Sums:
            if in_batch:
                outputs, _ = self._network.in_batch(parameters, batch.inputs)
            else:
                outputs = self._network(parameters, batch_stats, batch.inputs)
            return self._task.sums(outputs, batch, detailed=False)

        return sum_over_batches(sums, data, self._size(data), drop_remainder=in_batch)

    def _recalibrated(self, parameters: Tree, data: DeviceDataset) -> Tree:
        """Means of the statistics that each batch has with these weights; a short last batch is left out."""
        batches = data.examples // self._size(data)

        def statistics(batch: Batch) -> Tree:
            return self._network.in_batch(parameters, batch.inputs)[1]

        total = sum_over_batches(statistics, data, self._size(data), drop_remainder=True)
        return jax.tree.map(lambda values: values / batches, total)

    def _size(self, data: DeviceDataset) -> int:
        """Of a batch: no larger than the split, for what fills a batch up has no place in its statistics."""
        return min(self._batch_size, data.examples)


@version(1)
def split_objective(
    module: nnx.Module,
    task: TaskSettings,
    splits: Mapping[str, DeviceDataset],
    *,
    batch_norm: BatchNorm = "frozen",
    batch_size: int = 1000,
    kernels: Library | None = None,
) -> Objective:
    """Loss and accuracy of a network on whole splits: `train_loss`, `train_accuracy`, `test_loss` and so on.

    Args:
        module: with the weights and batch statistics at the centre.
        task: computes the scores.
        splits: by name; `recalibrated` computes batch statistics on `train`.
        batch_norm: which batch statistics the network uses.
        batch_size: images per batch; with `batch_norm=batch` it is part of the definition of the loss, and a short last
            batch is left out.
        kernels: for the network; None for XLA's operations, needed for gradients.

    Raises:
        UserError: `recalibrated` without a split `train`.
    """
    if batch_norm == "recalibrated" and "train" not in splits:
        raise UserError("batch_norm=recalibrated takes statistics from the training images; add the split train")
    measure = SplitMeasure(module, task, batch_norm, batch_size, kernels)

    def summary(sums: Mapping[str, Any]) -> dict[str, float]:
        return {
            f"{split}_{name}": value
            for split in sums
            for name, value in task.summary(sums[split], detailed=False).items()
        }

    return Objective(measure, measure.parameters, dict(splits), summary)


def batch_losses(
    module: nnx.Module, task: TaskSettings, data: DeviceDataset, batch_size: int = 200
) -> tuple[Callable[[Tree, Batch], Float[Array, ""]], list[Batch]]:
    """The summed loss of a batch, as shown by surfaces, as a function of weights; and all batches of a split.

    The last batch is padded with examples of weight 0, which do not count.

    Args:
        module: with the batch statistics to use.
        task: computes the loss.
        data: the split.
        batch_size: images per batch.
    """
    network = network_of(module)

    def loss(parameters: Tree, batch: Batch) -> Float[Array, ""]:
        outputs = network(parameters, network.batch_stats, batch.inputs)
        return jnp.sum(batch.weights * task.scores(outputs, batch)["loss"])

    return loss, [filled_batch(data, first, batch_size) for first in range(0, data.examples, batch_size)]
