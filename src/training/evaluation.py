"""Scoring a network on a split: every example once, whatever the batch size."""

from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from src.data.batches import Resident
from src.tasks.base import TaskSettings
from src.training.parallel import ParallelSettings, replicate
from src.training.state import Network, TrainState
from src.training.step import evaluation_step, zero_sums


class Evaluator:
    """Scores states of a network."""

    def __init__(
        self,
        network: Network,
        task: TaskSettings,
        outputs: int,
        parallel: ParallelSettings,
        mesh: Mesh,
        batch_size: int,
    ) -> None:
        # A batch has to divide over the devices; examples past the end of a split have no weight, so rounding is safe.
        self._batch_size = -(-batch_size // mesh.size) * mesh.size
        self._parallel, self._mesh = parallel, mesh
        self._task = task
        self._outputs = outputs
        self._network = network

    @cached_property
    def _step(self) -> Any:
        step = evaluation_step(self._network, self._task, batch_size=self._batch_size, devices=self._mesh.size)
        return self._parallel.place(step, self._mesh, donate=(2,))

    def __call__(self, state: TrainState, data: Resident) -> dict[str, Any]:
        """The task's detailed summary of a split; one value is fetched from the device, at the end."""
        sums = replicate(zero_sums(self._task, self._outputs, detailed=True), self._mesh)
        for first in range(0, len(data.labels), self._batch_size):
            sums = self._step(*state.scored(), sums, data, jnp.int32(first))
        return self._task.summary(jax.device_get(sums))
