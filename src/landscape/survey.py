"""Measuring an objective over a line or a plane of weights, point after point; what is measured is kept at once."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Float64

from src.config.errors import UserError
from src.landscape.directions import check_same_network
from src.landscape.objective import Objective
from src.landscape.surface import Surface
from src.lock import Held, locked
from src.runs.files import write_whole
from src.runs.identity import difference
from src.training.interruption import Interrupted, signals_noted
from src.training.state import Tree

AXIS = "points"

Told = Callable[[int, int], None]
"""Is told how many points are done, and of how many."""


def survey(
    objective: Objective,
    directions: Sequence[Tree],
    axes: Sequence[Float64[np.ndarray, "_"]],
    *,
    title: str,
    identity: Mapping[str, Any],
    points: Path,
    on_points: Told = lambda done, total: None,
) -> Surface:
    """Measures an objective at every point of a grid.

    Points follow each other on each device, and devices take different ones. What was measured before, by a process
    that was interrupted or killed, is not measured again.

    Args:
        objective: what is measured.
        directions: one or two.
        axes: steps along each.
        title: of the surface.
        identity: everything that defines the values, as JSON can say it; becomes the surface's metadata.
        points: file of the measurements so far, one JSON object a line.
        on_points: told of progress.

    Raises:
        UserError: a direction belongs to another network; an axis has fewer than two steps; the file cannot be
            written, holds another surface, or is in use.
        Interrupted: the process was asked to stop; what was measured is kept.
    """
    for direction in directions:
        check_same_network(objective.parameters, direction)
    for name, axis in zip(("alpha", "beta"), axes, strict=False):
        if len(axis) < 2:
            raise UserError(f"a surface needs at least two steps along {name}, not {len(axis)}")
    places = np.array(list(itertools.product(*axes)), np.float32)
    about = {"title": title, "axes": [axis.tolist() for axis in axes], **identity}
    try:
        points.parent.mkdir(parents=True, exist_ok=True)
        with locked(points.with_suffix(".lock"), wait=False):
            found = _measured(objective, directions, places, _Points(points, about), on_points)
    except Held as holder:
        raise UserError(f"{points} is in use by {holder}, which measures there") from None
    except OSError as error:
        raise UserError(f"cannot write {points}: {error.strerror}") from None
    shape = [len(axis) for axis in axes]
    values = {name: np.array([row[name] for row in found]).reshape(shape) for name in found[0]}
    return Surface(title, axes[0], axes[1] if len(axes) > 1 else None, values, dict(identity))


def at_points(
    objective: Objective, directions: Sequence[Tree], mesh: Mesh
) -> Callable[[Float[np.ndarray, "k d"]], Mapping[str, Any]]:
    """Compiles the measurement of some points, which are divided over the devices of a mesh.

    Weights are moved and measured point after point: mapping convolutions over their weights with `vmap` would make
    them grouped ones, which take fifty times as long.

    Returns:
        A function of coordinates, giving the objective's arrays with one row for each point.
    """

    def measured(parameters: Tree, directions: Sequence[Tree], data: Any, places: Float[Array, "k d"]) -> Any:
        def one(place: Float[Array, "d"]) -> Mapping[str, Any]:
            return objective.measure(moved(parameters, directions, place), data)

        return jax.lax.map(one, places)

    everywhere, divided = PartitionSpec(), PartitionSpec(AXIS)
    mapped = jax.jit(
        jax.shard_map(
            measured,
            mesh=mesh,
            in_specs=(everywhere, everywhere, everywhere, divided),
            out_specs=divided,
            check_vma=False,
        )
    )
    return lambda places: jax.device_get(mapped(objective.parameters, list(directions), objective.data, places))


def moved(parameters: Tree, directions: Sequence[Tree], place: Float[Array, "d"]) -> Tree:
    """The weights at a place: parameters + alpha delta + beta eta."""

    def leaf(weights: Array, *parts: Array) -> Array:
        return weights + sum(step * part for step, part in zip(place, parts, strict=True))

    return jax.tree.map(leaf, parameters, *directions)


def _measured(
    objective: Objective, directions: Sequence[Tree], places: Float[np.ndarray, "n d"], points: "_Points", told: Told
) -> list[dict[str, float]]:
    """Measures what is not measured yet."""
    mesh = Mesh(np.array(jax.devices()), (AXIS,))
    at = at_points(objective, directions, mesh)
    waiting = [number for number in range(len(places)) if number not in points.values]
    with signals_noted() as interruption:
        for first in range(0, len(waiting), mesh.size):
            chunk = waiting[first : first + mesh.size]
            filled = [*chunk, *[chunk[-1]] * (mesh.size - len(chunk))]
            found = at(places[filled])
            for row, number in enumerate(chunk):
                points.add(number, objective.summary(jax.tree.map(lambda values, row=row: values[row], found)))
            told(len(points.values), len(places))
            if interruption.signal is not None:
                raise Interrupted(interruption.signal)
    return [points.values[number] for number in range(len(places))]


class _Points:
    """The measurements of a surface on disk: what it is in the first line, then a line for each point.

    Attributes:
        values: by the number of the point.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        """Reads what is there; a line that was cut short is measured again.

        Raises:
            UserError: the file holds another surface.
        """
        header = json.dumps(about) + "\n"
        kept = path.read_text().splitlines(keepends=True) if path.exists() else [header]
        lines = [line for line in kept if line.endswith("\n")] or [header]
        try:
            there = json.loads(lines[0])
            rows = [json.loads(line) for line in lines[1:]]
            self.values: dict[int, dict[str, float]] = {row["point"]: row["values"] for row in rows}
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path} is damaged; remove it to measure anew") from None
        if there != json.loads(header):
            raise UserError(f"{path} holds another surface: {difference(there, json.loads(header))}")
        write_whole(path, "".join(lines))
        self._path = path

    def add(self, number: int, values: dict[str, float]) -> None:
        """Keeps the measurement of a point; it is on disk when this returns."""
        self.values[number] = values
        with self._path.open("a") as file:
            file.write(json.dumps({"point": number, "values": values}) + "\n")
