"""An objective at places of a line or a plane of weights, compiled once, on all devices."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Float32

from src.landscape.directions import check_same_network
from src.landscape.objective import Objective
from src.training.state import Tree

AXIS = "points"

Measure = Callable[[Float32[np.ndarray, "k d"]], list[dict[str, float]]]
"""Gives named numbers at each of some places."""


def at_points(objective: Objective, directions: Sequence[Tree]) -> Measure:
    """Compiles the measurement of places, which are divided over the devices.

    Weights are moved and measured place after place: mapping convolutions over their weights with `vmap` would make
    them grouped ones, which take fifty times as long.

    Args:
        objective: what is measured.
        directions: one or two.

    Returns:
        A function of coordinates along the directions, a multiple of the number of devices at a time.

    Raises:
        UserError: a direction belongs to another network.
    """
    for direction in directions:
        check_same_network(objective.parameters, direction)

    def measured(parameters: Tree, directions: Sequence[Tree], data: Any, places: Float[Array, "k d"]) -> Any:
        def one(place: Float[Array, "d"]) -> Mapping[str, Any]:
            return objective.measure(moved(parameters, directions, place), data)

        return jax.lax.map(one, places)

    everywhere, divided = PartitionSpec(), PartitionSpec(AXIS)
    mapped = jax.jit(
        jax.shard_map(
            measured,
            mesh=Mesh(np.array(jax.devices()), (AXIS,)),
            in_specs=(everywhere, everywhere, everywhere, divided),
            out_specs=divided,
            check_vma=False,
        )
    )

    def at(places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        found = jax.device_get(mapped(objective.parameters, list(directions), objective.data, places))
        return [objective.summary(jax.tree.map(lambda values, k=k: values[k], found)) for k in range(len(places))]

    return at


def moved(parameters: Tree, directions: Sequence[Tree], place: Float[Array, "d"]) -> Tree:
    """The weights at a place: parameters + alpha delta + beta eta."""

    def leaf(weights: Array, *parts: Array) -> Array:
        return weights + sum(step * part for step, part in zip(place, parts, strict=True))

    return jax.tree.map(leaf, parameters, *directions)
