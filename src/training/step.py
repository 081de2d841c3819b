"""The training step and the evaluation step, written for one device of a named axis."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, Key

from src.data.batches import Batch, Resident, Window, evaluation_batch, training_batch
from src.data.settings import AugmentSettings
from src.tasks.base import Sums, TaskSettings
from src.training.parallel import AXIS
from src.training.state import Network, TrainState, Tree

Chunk = Callable[[TrainState, Sums, Resident, Window, Int[Array, ""]], tuple[TrainState, Sums]]


def training_chunk(
    network: Network,
    task: TaskSettings,
    optimizer: optax.GradientTransformation,
    *,
    batch_size: int,
    devices: int,
    augment: AugmentSettings | None,
    key: Key[Array, ""],
    looped: bool,
) -> Chunk:
    """Makes the function that trains up to a given step in one dispatch.

    A step whose loss or gradient is not finite leaves the state as it was, the step number included: the run stands
    still there, and its last good state is not lost.

    Args:
        network: what is trained.
        task: what its outputs mean.
        optimizer: turns gradients into updates.
        batch_size: examples in a step, on all devices together.
        devices: size of the axis.
        augment: random changes of images.
        key: the stream of randomness for them.
        looped: whether a dispatch may take several steps. On the CPU it may not: gradients of convolutions inside
            loops leave XLA's fast path there, and a step takes some thirty times as long.

    Returns:
        A function of state, sums so far, data, order and the step to stop before, giving state and sums.
    """
    local_size = batch_size // devices

    def step(carry: tuple[TrainState, Sums], data: Resident, order: Window) -> tuple[TrainState, Sums]:
        state, sums = carry
        position = state.step * batch_size + jax.lax.axis_index(AXIS) * local_size
        batch = training_batch(data, order, position, local_size, augment, key)

        def loss(parameters: Tree) -> tuple[Array, tuple[Tree, Sums]]:
            outputs, statistics = network.train(parameters, state.statistics, batch.images)
            return task.losses(outputs, batch).mean(), (statistics, task.sums(outputs, batch, detailed=False))

        (value, (statistics, measured)), gradient = jax.value_and_grad(loss, has_aux=True)(state.parameters)
        value, gradient, statistics = jax.lax.pmean((value, gradient, statistics), AXIS)
        measured = jax.lax.psum(measured, AXIS)
        updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        new = TrainState(state.step + 1, parameters, statistics, optimizer_state)
        measured |= {"steps": jnp.ones((), jnp.int32), "objective": value}
        finite = jnp.isfinite(value) & jnp.isfinite(optax.tree.norm(gradient))
        keep = partial(jnp.where, finite)
        return jax.tree.map(keep, new, state), jax.tree.map(lambda total, part: total + keep(part, 0), sums, measured)

    def chunk(
        state: TrainState, sums: Sums, data: Resident, order: Window, stop: Int[Array, ""]
    ) -> tuple[TrainState, Sums]:
        if not looped:
            return step((state, sums), data, order)
        return jax.lax.fori_loop(state.step, stop, lambda _, carry: step(carry, data, order), (state, sums))

    return chunk


def evaluation_step(network: Network, task: TaskSettings, *, batch_size: int, devices: int) -> Callable[..., Sums]:
    """Makes the function that measures one batch of a split and adds it to the sums.

    Args:
        network: what is measured.
        task: what its outputs mean.
        batch_size: examples in a batch, on all devices together.
        devices: size of the axis.

    Returns:
        A function of parameters, statistics, sums so far, data and the place of the first example, giving the sums.
    """
    local_size = batch_size // devices

    def step(parameters: Tree, statistics: Tree, sums: Sums, data: Resident, first: Int[Array, ""]) -> Sums:
        own = first + jax.lax.axis_index(AXIS) * local_size
        batch = evaluation_batch(data, own, local_size)
        measured = task.sums(network(parameters, statistics, batch.images), batch, detailed=True)
        return jax.tree.map(jnp.add, sums, jax.lax.psum(measured, AXIS))

    return step


def zero_training_sums(task: TaskSettings, outputs: int) -> Sums:
    """Sums over no training steps: the task's own, the number of steps, and what was minimized."""
    return {"steps": jnp.zeros((), jnp.int32), "objective": jnp.zeros(()), **zero_sums(task, outputs, detailed=False)}


def zero_sums(task: TaskSettings, outputs: int, *, detailed: bool) -> Sums:
    """Sums over no examples, in the shapes that the task gives."""
    example = Batch(jnp.zeros((1, 1, 1, 1)), jnp.zeros(1, jnp.int32), jnp.zeros(1))
    shapes = jax.eval_shape(partial(task.sums, detailed=detailed), jnp.zeros((1, outputs)), example)
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
