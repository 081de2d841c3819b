"""A run's settings and data turned into compiled functions and arrays on devices."""

from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Float

from src.data.batches import Batching, Resident, Window, normalization, resident, training_batch, window
from src.data.dataset import Dataset
from src.models.base import ImageShape, ModelSettings
from src.models.cpu_layers import use_cpu_layers
from src.randomness import stream
from src.tasks.base import Sums
from src.training.evaluation import Evaluator
from src.training.parallel import AXIS, ParallelSettings, replicate
from src.training.plan import Plan
from src.training.settings import PrecisionSettings, RunSettings
from src.training.state import Network, Snapshot, TrainState, initial_state
from src.training.step import training_chunk, training_step, zero_training_sums

STEPS_PER_DISPATCH = {"cpu": 1}
MANY_STEPS = 10


class Engine:
    """What trains and scores one network on one data set."""

    def __init__(self, settings: RunSettings, dataset: Dataset, plan: Plan) -> None:
        self.settings, self.dataset, self.plan = settings, dataset, plan
        self.mesh = settings.parallel.mesh()
        platform = self.mesh.devices.flat[0].platform
        self.steps_per_dispatch = settings.train.steps_per_dispatch or STEPS_PER_DISPATCH.get(platform, MANY_STEPS)
        self.outputs = settings.task.outputs(dataset.spec)
        module = build_network(
            settings.model, dataset.spec.shape, self.outputs, settings.precision, settings.parallel, settings.seed
        )
        self.network = Network(module)
        factor = settings.schedule.factor(plan.clock)
        self._learning_rate: optax.Schedule = lambda step: settings.optimizer.learning_rate * factor(step)
        self._optimizer = settings.schedule.steered(settings.optimizer.build(self._learning_rate), plan.clock)
        self.evaluate = Evaluator(
            self.network, settings.task, self.outputs, settings.parallel, self.mesh, settings.eval.batch_size
        )
        self._constants = normalization(settings.data.normalize, dataset.train.images)
        self._batching = Batching(
            settings.data.batch_size, settings.augment(dataset), stream(settings.seed, "augmentation")
        )
        self._splits: dict[str, Resident] = {}

    def beginning(self) -> Snapshot:
        """What a run starts from, on all devices."""
        return Snapshot(self.initial_state(), self.zero_sums())

    def initial_state(self) -> TrainState:
        """The state before the first step, on all devices."""
        return self.replicated(
            initial_state(self.network, self._optimizer, averaged=self.settings.train.average is not None)
        )

    def zero_sums(self) -> Sums:
        """Training sums over no steps, on all devices."""
        return self.replicated(zero_training_sums(self.settings.task, self.outputs))

    def advance(self, state: TrainState, sums: Sums, order: Window, stop: int) -> tuple[TrainState, Sums]:
        """Trains up to step `stop`; the arguments' memory is taken by the results."""
        return self._chunk(state, sums, self.split("train"), order, np.int32(stop))

    def order(self, epoch: int) -> Window:
        """The order of examples in an epoch and the next."""
        key = stream(self.settings.seed, "order")
        return self.replicated(window(key, epoch, self.dataset.spec.train))

    def first_images(self, count: int) -> Float[np.ndarray, "n h w c"]:
        """The first training images as the network sees them, after their random changes, in units of a pixel."""
        batch = jax.jit(partial(training_batch, batching=self._batching))(
            self.split("train"), self.order(0), 0, jnp.arange(min(count, self.settings.data.batch_size))
        )
        assert self._constants is not None, "texts have no pixels"
        return np.clip(np.asarray(batch.images) * self._constants.deviation + self._constants.mean, 0, 255)

    def split(self, name: str) -> Resident:
        """A split on all devices; it is put there when it is first asked for."""
        if name not in self._splits:
            self._splits[name] = self.replicated(resident(self.dataset.split(name), self._constants))
        return self._splits[name]

    def replicated(self, tree: Any) -> Any:
        """A tree of arrays on all devices."""
        return replicate(tree, self.mesh)

    @cached_property
    def _chunk(self) -> Any:
        step = training_step(
            self.network,
            self.settings.task,
            self._optimizer,
            self._learning_rate,
            self._batching,
            self.settings.train,
            devices=self.mesh.size,
            stand_still=not self.settings.debug.nans,
        )
        chunk = training_chunk(step, looped=self.steps_per_dispatch > 1)
        donate = (
            () if self.settings.debug.nans else (0, 1)
        )  # what made a NaN is computed again, from the same arguments
        return self.settings.parallel.place(chunk, self.mesh, donate=donate)


def build_network(
    model: ModelSettings,
    shape: ImageShape,
    outputs: int,
    precision: PrecisionSettings,
    parallel: ParallelSettings,
    seed: int,
) -> nnx.Module:
    """Builds a network and tells it in which numbers, over how many devices, and on which it computes.

    Networks themselves know of none of it, so that any NNX module can be trained in any precision on any devices.
    """
    module = model.build(shape, outputs, rngs=nnx.Rngs(stream(seed, "initialization")))
    if precision.compute != "float32":
        module.set_attributes(dtype=jnp.dtype(precision.compute), raise_if_not_found=False)
    if parallel.batch_norm == "global":
        module.set_attributes(nnx.BatchNorm, axis_name=AXIS, raise_if_not_found=False)
    if jax.default_backend() == "cpu":
        use_cpu_layers(module)
    return module
