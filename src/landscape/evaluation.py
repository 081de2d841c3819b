"""Evaluates an objective at points of a line or a plane of weights; compiled once, on all devices."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Float32, Float64, Int

from ..config.errors import UserError
from ..data.batches import DeviceDataset, take
from ..models.functional import Tree
from ..operations.library import Library
from ..tasks.base import TaskSettings
from .directions import check_same_network
from .objective import Objective, network_of

AXIS = "points"

Measure = Callable[[Float32[np.ndarray, "k d"]], list[dict[str, float]]]
"""Returns named numbers at each of the given points."""

ExampleScores = Callable[[Float32[np.ndarray, "d"], Int[np.ndarray, "n"]], Float64[np.ndarray, "n 2"]]
"""Returns loss and correctness of each of the given examples at a point."""


def at_points(objective: Objective, directions: Sequence[Tree]) -> Measure:
    """Compiles the measurement of points, which are divided over the devices.

    On each device the points are evaluated sequentially: `vmap` over the weights would turn convolutions into grouped
    ones, which take fifty times as long.

    Args:
        objective: what is measured.
        directions: one or two.

    Returns:
        A function of coordinates along the directions; their number is a multiple of the number of devices.

    Raises:
        UserError: a direction belongs to another network.
    """
    for direction in directions:
        check_same_network(objective.parameters, direction)

    mesh = Mesh(np.array(jax.devices()), (AXIS,))
    everywhere, divided = PartitionSpec(), PartitionSpec(AXIS)
    fixed = jax.device_put(  # once, and not with every place
        (objective.parameters, list(directions), objective.data), NamedSharding(mesh, everywhere)
    )

    @jax.jit
    @partial(jax.shard_map, mesh=mesh, in_specs=(everywhere, divided), out_specs=divided, check_vma=False)
    def mapped(fixed: tuple[Tree, list[Tree], Any], places: Float[Array, "k d"]) -> Any:
        parameters, directions, data = fixed
        return jax.lax.map(lambda place: objective.measure(moved(parameters, directions, place), data), places)

    def at(places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        found = jax.device_get(mapped(fixed, places))
        return [objective.summary(jax.tree.map(lambda values, k=k: values[k], found)) for k in range(len(places))]

    return at


def scores_at(
    module: nnx.Module,
    task: TaskSettings,
    data: DeviceDataset,
    directions: Sequence[Tree],
    batch_size: int,
    kernels: Library | None = None,
) -> ExampleScores:
    """Compiles the measurement of chosen examples at one point; batches of them are divided over the devices.

    Args:
        module: with the weights at the centre, and the batch statistics for all points.
        task: computes the scores.
        data: the split that examples are chosen from.
        directions: one or two.
        batch_size: examples per batch, on all devices together.
        kernels: for the network; None for XLA's operations.

    Raises:
        UserError: a direction belongs to another network.
    """
    network = network_of(module, kernels)
    parameters = network.parameters
    for direction in directions:
        check_same_network(parameters, direction)
    mesh = Mesh(np.array(jax.devices()), (AXIS,))
    everywhere, divided = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(AXIS))
    size = batch_size + -batch_size % mesh.size
    fixed = jax.device_put((parameters, list(directions), data), everywhere)  # once, and not with every batch

    @jax.jit
    def scores(place: Array, chosen: Array, parameters: Tree, directions: list[Tree], data: DeviceDataset) -> Array:
        batch = take(data, chosen)
        outputs = network(moved(parameters, directions, place), network.batch_stats, batch.inputs)
        return jnp.stack(list(task.scores(outputs, batch).values()), axis=1)

    def at(place: Float32[np.ndarray, "d"], chosen: Int[np.ndarray, "n"]) -> Float64[np.ndarray, "n 2"]:
        filled = np.resize(chosen, len(chosen) + -len(chosen) % size)
        parts = [scores(place, jax.device_put(part, divided), *fixed) for part in np.split(filled, len(filled) // size)]
        return np.concatenate(jax.device_get(parts))[: len(chosen)].astype(np.float64)

    return at


def moved(parameters: Tree, directions: Sequence[Tree], place: Float[Array, "d"]) -> Tree:
    """The weights at a point: parameters + alpha delta + beta eta.

    Raises:
        UserError: the number of coordinates differs from that of directions.
    """
    if len(place) != len(directions):
        raise UserError(f"a place with {len(place)} steps needs as many directions, not {len(directions)}")

    def leaf(weights: Array, *parts: Array) -> Array:
        return weights + sum(step * part for step, part in zip(place, parts, strict=True))

    return jax.tree.map(leaf, parameters, *directions)


def together(measures: Mapping[str, Measure]) -> Measure:
    """Combines measures of several splits; names get the split as prefix."""

    def measure(places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        found = {split: own(places) for split, own in measures.items()}
        return [
            {f"{split}_{name}": value for split, rows in found.items() for name, value in rows[k].items()}
            for k in range(len(places))
        ]

    return measure
