"""The training step and the evaluation step, written for one device of a named axis."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from ..data.batches import Batch, Batching, DeviceDataset, ShuffleOrder, example_batch, filled_batch, training_batch
from ..data.examples import DataSpec, is_shape
from ..models.functional import Network, Tree
from ..tasks.base import TaskSettings
from ..tasks.metrics import Sums
from .parallel import AXIS
from .schedules.plateau import steered_scale
from .settings import TrainSettings
from .state import TrainState

Step = Callable[[TrainState, Sums, DeviceDataset, ShuffleOrder], tuple[TrainState, Sums]]
Dispatch = Callable[[TrainState, Sums, DeviceDataset, ShuffleOrder, Int[Array, ""]], tuple[TrainState, Sums]]


def batch_gradient(
    network: Network, task: TaskSettings, batching: Batching, slices: int, devices: int
) -> Callable[[TrainState, DeviceDataset, ShuffleOrder], tuple[Array, Tree, Tree, Sums]]:
    """Makes the function that takes the gradient of a whole batch, slice by slice, each of them on all devices.

    Returns:
        A function of state, data and order, giving the mean loss, its gradient, the statistics afterwards and the
        task's sums, all of them the same on every device.
    """
    slice_size = batching.batch_size // devices // slices

    def gradient(state: TrainState, data: DeviceDataset, order: ShuffleOrder) -> tuple[Array, Tree, Tree, Sums]:
        def loss(parameters: Tree, batch_stats: Tree, batch: Batch) -> tuple[Array, tuple[Tree, Sums]]:
            outputs, after = network.train(parameters, batch_stats, batch.inputs, batch.keys)
            value = task.losses(outputs.main, batch).mean()
            for auxiliary in outputs.auxiliary:
                value += outputs.weight * task.losses(auxiliary, batch).mean()
            return value, (after, task.sums(outputs.main, batch, detailed=False))

        def input_gradient(batch: Batch) -> Tree:
            def of_inputs(inputs: Tree) -> Array:
                return loss(state.parameters, batch_stats, batch._replace(inputs=inputs))[0]

            return jax.grad(of_inputs)(batch.inputs)

        batch_stats, parts = state.batch_stats, []
        for number in range(slices):
            first = (number * devices + jax.lax.axis_index(AXIS)) * slice_size
            batch = training_batch(data, order, state.step, first + jnp.arange(slice_size), batching)
            batch = task.perturbed(batch, input_gradient)
            value_and_gradient = jax.value_and_grad(loss, has_aux=True)
            (value, (batch_stats, measured)), gradients = value_and_gradient(state.parameters, batch_stats, batch)
            parts.append((value, gradients, measured))
        value, gradients, measured = jax.tree.map(lambda *terms: sum(terms[1:], terms[0]), *parts)
        value, gradients = jax.tree.map(lambda total: total / slices, (value, gradients))
        value, gradients, batch_stats = jax.lax.pmean((value, gradients, batch_stats), AXIS)
        return value, gradients, batch_stats, jax.lax.psum(measured, AXIS)

    return gradient


def training_step(
    network: Network,
    task: TaskSettings,
    optimizer: optax.GradientTransformationExtraArgs,
    learning_rate: optax.Schedule,
    batching: Batching,
    train: TrainSettings,
    *,
    devices: int,
    stand_still: bool = True,
) -> Step:
    """Makes the function that takes one step.

    A step whose loss, gradient or result is not finite leaves the state as it was, the step number included, and marks
    it as failed: later steps change nothing, and the last good state is not lost.

    Args:
        network: what is trained.
        task: what its outputs mean.
        optimizer: turns gradients into updates.
        learning_rate: what it multiplies them by at each step, for the record.
        batching: how batches are made.
        train: into how many slices a batch is cut, and how fast averaged parameters follow.
        devices: size of the axis.
        stand_still: where a step is not finite; else its NaN comes out, for `jax_debug_nans` to find.

    Returns:
        A function of state, sums so far, data and order, giving state and sums.
    """
    gradient = batch_gradient(network, task, batching, train.accumulation, devices)

    def step(state: TrainState, sums: Sums, data: DeviceDataset, order: ShuffleOrder) -> tuple[TrainState, Sums]:
        value, gradients, batch_stats, measured = gradient(state, data, order)
        updates, optimizer_state = optimizer.update(gradients, state.optimizer, state.parameters, value=value)
        latest = optax.apply_updates(state.parameters, updates), batch_stats
        parameters, batch_stats = network.with_frozen(latest, (state.parameters, state.batch_stats))
        average = updated_average(state.average, (parameters, batch_stats), train.average, state.step)
        if average is not None:
            average = network.with_frozen(average, (parameters, batch_stats))
        new = TrainState(state.step + 1, parameters, batch_stats, optimizer_state, average, state.failed)
        measured |= {
            "steps": jnp.ones((), jnp.int32),
            "objective": value,
        }
        rate = learning_rate(state.step) * steered_scale(optimizer_state)  # as the update had it
        taken = all_finite((value, gradients, parameters)) & ~state.failed | (not stand_still)
        keep = partial(jnp.where, taken)
        new, rate = jax.tree.map(keep, (new, rate), (state, sums["learning_rate"]))
        new = new._replace(failed=~taken)
        before = {name: sums[name] for name in measured}
        added = jax.tree.map(lambda total, part: total + keep(part, 0), before, measured)
        return new, added | {"learning_rate": rate}

    return step


def all_finite(tree: Tree) -> Bool[Array, ""]:
    """Whether no array has a NaN or an infinity."""
    flags = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)])
    # The smallest one by its place: of `all` XLA makes a chain of ands, which it repeats in the update of every array,
    # four fifths of the step's program; compiling a deep network takes minutes then.
    return flags[jnp.argmin(flags)]


def training_dispatch(step: Step, *, looped: bool) -> Dispatch:
    """Makes the function that trains up to a given step in one dispatch.

    Args:
        step: takes one step.
        looped: whether a dispatch takes several steps. On the CPU it pays nowhere: by kernels a step takes as long
            inside a loop as outside, and gradients of convolutions by XLA's operations some thirty times as long.

    Returns:
        A function of state, sums so far, data, order and the step to stop before, giving state and sums.
    """

    def dispatch(
        state: TrainState, sums: Sums, data: DeviceDataset, order: ShuffleOrder, stop: Int[Array, ""]
    ) -> tuple[TrainState, Sums]:
        if not looped:
            return step(state, sums, data, order)

        def body(_: Array, carry: tuple[TrainState, Sums]) -> tuple[TrainState, Sums]:
            state, sums = carry
            return step(state, sums, data, order)

        return jax.lax.fori_loop(state.step, stop, body, (state, sums))

    return dispatch


def updated_average(average: Tree | None, latest: Tree, decay: float | None, step: Int[Array, ""]) -> Tree | None:
    """The exponential moving average of parameters and statistics after one more step, if there is one.

    Its decay grows to the one that was asked for as that of TensorFlow's `ExponentialMovingAverage` does, which is
    given the number of steps: the initial weights would otherwise be most of the average of a short run.

    Args:
        average: so far.
        latest: parameters and statistics after the step.
        decay: the largest.
        step: the number of steps before this one.
    """
    if average is None or decay is None:
        return None
    kept = jnp.minimum(decay, (1 + step) / (10 + step))
    return jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, average, latest)


def evaluation_step(
    network: Network, task: TaskSettings, *, batch_size: int, devices: int
) -> Callable[..., tuple[Sums, Sums]]:
    """Makes the function that measures one batch of a split and adds it to the sums.

    Args:
        network: what is measured.
        task: what its outputs mean.
        batch_size: examples in a batch, on all devices together.
        devices: size of the axis.

    Returns:
        A function of parameters, batch_stats, sums so far, data and the place of the first example, giving the sums and
        what is gathered of each example of the batch.
    """
    local_size = batch_size // devices

    def step(
        parameters: Tree, batch_stats: Tree, sums: Sums, data: DeviceDataset, first: Int[Array, ""]
    ) -> tuple[Sums, Sums]:
        own = first + jax.lax.axis_index(AXIS) * local_size
        batch = filled_batch(data, own, local_size)
        outputs = network(parameters, batch_stats, batch.inputs)
        measured = jax.lax.psum(task.sums(outputs, batch, detailed=True), AXIS)
        gathered = jax.lax.all_gather(task.gathered(outputs, batch), AXIS, tiled=True)
        return jax.tree.map(jnp.add, sums, measured), gathered

    return step


def zero_training_sums(task: TaskSettings, spec: DataSpec) -> Sums:
    """Sums over no training steps: the task's own, the number of steps, and what was minimized.

    Beside them stands the learning rate, which is that of the last step.
    """
    # Each array is one of its own: their memory is given away.
    steps = {"steps": jnp.zeros((), jnp.int32), "objective": jnp.zeros(()), "learning_rate": jnp.zeros(())}
    return steps | zero_sums(task, spec, detailed=False)


def zero_sums(task: TaskSettings, spec: DataSpec, *, detailed: bool) -> Sums:
    """Sums over no examples, in the shapes that the task gives."""
    outputs = jax.tree.map(lambda shape: jnp.zeros((1, *shape)), task.output_shape(spec), is_leaf=is_shape)
    shapes = jax.eval_shape(partial(task.sums, detailed=detailed), outputs, example_batch(spec, 1))
    return optax.tree.zeros_like(shapes)
