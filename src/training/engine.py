"""A run's settings and data turned into compiled functions and arrays on devices."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Float

from ..data.batches import (
    Batching,
    DeviceDataset,
    ShuffleOrder,
    device_dataset,
    shuffle_order,
    training_batch,
)
from ..data.dataset import Dataset, SplitName
from ..data.examples import DataSpec, Split
from ..data.preprocessing import Preprocessing
from ..models.functional import Network
from ..models.layer_names import frozen_layers, layer_names
from ..operations.fast_layers import use_fast_layers
from ..operations.fused import with_kernels
from ..randomness import stream
from ..tasks.metrics import Sums
from .features import Features
from .kernels import chosen_kernels
from .layerwise import layerwise, rates_of_layers
from .parallel import AXIS, replicate
from .plan import make_plan
from .settings import RunSettings
from .state import Snapshot, TrainState, init_state
from .step import evaluation_step, training_dispatch, training_step, zero_sums, zero_training_sums

STEPS_PER_DISPATCH = 10
"""On accelerators; on the CPU loops gain nothing, and are slow by XLA's operations (`training_dispatch`)."""


class Engine:
    """What trains and scores one network on one data set.

    Attributes:
        preprocessing: what is known of the data.
        kernels: by which the network computes; None for XLA's operations.
        body: gives the features, where they are computed once.
    """

    def __init__(
        self,
        settings: RunSettings,
        begun_with: str | None = None,
        preprocessing: Preprocessing | None = None,
        load: Callable[[], Dataset] | None = None,
        put: Callable[[nnx.Module], None] = lambda module: None,
    ) -> None:
        """Prepares.

        Args:
            settings: of the run.
            begun_with: the operations of a run that goes on (`src.training.kernels`).
            preprocessing: as a run stored it; without it the data are read at once, else when they are asked for.
            load: reads the data; those of the settings without.
            put: puts the weights into the network that the run begins with; it has random ones before.
        """
        self.settings, self._load = settings, load or settings.dataset
        self.preprocessing = preprocessing or Preprocessing.of(self.dataset, settings.data.normalize)
        self.plan = make_plan(settings, self.spec.train)
        self.mesh = settings.parallel.mesh()
        usual = 1 if self.mesh.devices.flat[0].platform == "cpu" else STEPS_PER_DISPATCH
        self.steps_per_dispatch = settings.train.steps_per_dispatch or usual
        module = build_network(settings, self.spec)
        put(module)
        self.kernels = chosen_kernels(settings.kernels, begun_with)
        fast, frozen = with_kernels(module, self.kernels), frozen_layers(module, settings.freeze)
        self.network = Network(module, fast, frozen)
        self.body = Network(module, fast, frozen, "body") if settings.cache_features else None
        self._trained = Network(module, fast, frozen, "classify") if settings.cache_features else self.network
        factor = settings.schedule.factor(self.plan.clock)
        self._learning_rate: optax.Schedule = lambda step: settings.optimizer.learning_rate * factor(step)
        optimizer = settings.schedule.steered(settings.optimizer.build(self._learning_rate), self.plan.clock)
        rates = rates_of_layers(layer_names(module), settings.layer_rates)
        self._optimizer = layerwise(optimizer, self.network, rates)
        augment = settings.augment(self.preprocessing.shrunk)
        key = stream(settings.seed, "augmentation")
        self._batching = Batching(settings.data.batch_size, augment, key, settings.task)
        # A batch has to divide over the devices; examples past the end of a split have no weight, so rounding is safe.
        self._evaluation_size = settings.eval.batch_size + -settings.eval.batch_size % self.mesh.size
        self._splits: dict[str, DeviceDataset] = {}

    @cached_property
    def dataset(self) -> Dataset:
        """The examples.

        Raises:
            UserError: they cannot be read.
        """
        return self._load()

    @property
    def spec(self) -> DataSpec:
        """Shapes, class names and sizes of the splits."""
        return self.preprocessing.spec

    def init_snapshot(self) -> Snapshot:
        """What a run starts from, on all devices."""
        return Snapshot(self.init_state(), self.zero_sums())

    def init_state(self) -> TrainState:
        """The state before the first step, on all devices."""
        return self.replicated(
            init_state(self.network, self._optimizer, averaged=self.settings.train.average is not None)
        )

    def zero_sums(self) -> Sums:
        """Training sums over no steps, on all devices."""
        return self.replicated(zero_training_sums(self.settings.task, self.spec))

    def advance(self, state: TrainState, sums: Sums, order: ShuffleOrder, stop: int) -> tuple[TrainState, Sums]:
        """Trains up to step `stop`; the arguments' memory is taken by the results."""
        return self.dispatch(state, sums, self.split("train"), order, np.int32(stop))

    def evaluate(self, state: TrainState, split: SplitName | DeviceDataset) -> dict[str, Any]:
        """The task's detailed summary of a split, every example once; sums leave the device at the end."""
        data, task = self.split(split) if isinstance(split, str) else split, self.settings.task
        sums, parts = self.replicated(zero_sums(task, self.spec, detailed=True)), []
        for first in range(0, data.examples, self._evaluation_size):
            sums, part = self.evaluation(*state.scored(), sums, data, jnp.int32(first))
            parts.append(part)
        sums, parts = jax.device_get((sums, parts))
        gathered = jax.tree.map(lambda *arrays: np.concatenate(arrays)[: data.examples], *parts) if parts else {}
        return task.summary(sums | gathered, detailed=True)

    def order(self, epoch: int) -> ShuffleOrder:
        """The order of examples in an epoch and the next."""
        key = stream(self.settings.seed, "order")
        return self.replicated(shuffle_order(key, epoch, self.spec.train))

    def first_images(self, count: int) -> tuple[Float[np.ndarray, "n h w c"], list[str]]:
        """The first training images as the network sees them, after their random changes, in units of a pixel.

        Beside them are their captions, such as the names of their classes.
        """
        data = device_dataset(self.dataset.train, self.preprocessing.constants) if self.body else self.split("train")
        batch = jax.jit(partial(training_batch, batching=self._batching))(
            data, self.order(0), 0, jnp.arange(min(count, self.settings.data.batch_size))
        )
        constants = self.preprocessing.constants
        assert constants is not None, "texts have no pixels"
        images = np.clip(np.asarray(batch.inputs) * constants.std + constants.mean, 0, 255)
        return images, self.settings.task.captions(batch.targets, self.spec)

    def split(self, name: SplitName) -> DeviceDataset:
        """A split on all devices; it is put there when it is first asked for."""
        if name not in self._splits:
            self._splits[name] = self.on_devices(self.dataset.split(name))
        return self._splits[name]

    def on_devices(self, split: Split) -> DeviceDataset:
        """Examples on all devices, with the targets that the task reads; features in place of inputs, if cached."""
        own = split.with_targets(self.settings.task.read_of(self.spec.targets))
        if self.body is None:
            return self.replicated(device_dataset(own, self.preprocessing.constants))
        return self.replicated(device_dataset(Split(self.features(own.inputs), own.targets), None))

    @cached_property
    def features(self) -> Features:
        """What a frozen body makes of inputs; its weights are those that the run begins with."""
        assert self.body is not None
        return Features(self.body, self.preprocessing, self.settings.eval.batch_size)

    def replicated(self, tree: Any) -> Any:
        """A tree of arrays on all devices."""
        return replicate(tree, self.mesh)

    @cached_property
    def dispatch(self) -> Any:
        """The compiled function that `advance` calls."""
        step = training_step(
            self._trained,
            self.settings.task,
            self._optimizer,
            self._learning_rate,
            self._batching,
            self.settings.train,
            devices=self.mesh.size,
            stand_still=not self.settings.debug.nans,
        )
        dispatch = training_dispatch(step, looped=self.steps_per_dispatch > 1)
        # What made a NaN is computed again to find it, from the same arguments.
        donate = () if self.settings.debug.nans else (0, 1)
        return self.settings.parallel.place(dispatch, self.mesh, donate=donate)

    @cached_property
    def evaluation(self) -> Any:
        """The compiled function that scores one batch."""
        step = evaluation_step(
            self._trained, self.settings.task, batch_size=self._evaluation_size, devices=self.mesh.size
        )
        return self.settings.parallel.place(step, self.mesh, donate=(2,))


def build_network(settings: RunSettings, spec: DataSpec) -> nnx.Module:
    """Builds the network of a run and tells it in which numbers, over how many devices, and on which it computes.

    Networks themselves know of none of it, so that any NNX module can be trained in any precision on any devices.
    """
    rngs = nnx.Rngs(stream(settings.seed, "initialization"))
    module = settings.model.build(spec.shape, settings.task.outputs(spec), rngs=rngs)
    if settings.precision.compute != "float32":
        module.set_attributes(dtype=jnp.dtype(settings.precision.compute), raise_if_not_found=False)
    if settings.parallel.batch_norm == "global":
        module.set_attributes(nnx.BatchNorm, axis_name=AXIS, raise_if_not_found=False)
    use_fast_layers(module, jax.default_backend())
    return module
