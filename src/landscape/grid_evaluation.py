"""Grid evaluation over a line or a plane, point by point; each measurement is cached immediately."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float32, Real

from ..config.errors import UserError
from ..lock import locked
from ..operations.library import Library
from ..plain_json import dumps, numbers
from ..runs.files import write_whole
from ..runs.identity import difference
from ..runs.provenance import UNKNOWN, code_and_device
from ..training.interruption import Interrupted, signals_noted
from .evaluation import Measure
from .grid import grid
from .surface import Surface

Callback = Callable[[int, int], None]
"""Called with the number of measured points and the total."""


def evaluate_grid(
    measure: Measure,
    axes: Sequence[Real[np.ndarray, "_"]],
    *,
    title: str,
    identity: Mapping[str, Any],
    points: Path,
    callback: Callback = lambda done, total: None,
    order: Sequence[int] | None = None,
    kernels: Library | None = None,
) -> Surface:
    """Measures every point of a grid, except those that an interrupted process has already measured.

    Args:
        measure: for example `at_points(objective, directions)`; called with one point per device.
        axes: steps along the one or two directions.
        title: of the surface.
        identity: everything that defines the values, as JSON values; becomes the metadata of the surface, with the
            commits, devices and kernels that measured its points.
        points: cache file of the measurements, one JSON object per line.
        callback: is called with the progress.
        order: of the points, measured one at a time; None for row by row, one on each device.
        kernels: that `measure` uses, for the metadata; None for XLA's operations.

    Raises:
        UserError: an axis does not have two or more increasing steps; the file cannot be written, holds another
            surface, or is in use.
        Interrupted: the process was asked to stop; all measurements are cached.
    """
    axes = [np.asarray(axis, np.float64) for axis in axes]
    for name, axis in zip(("alpha", "beta"), axes, strict=False):
        if len(axis) < 2:
            raise UserError(f"a surface needs at least two steps along {name}, not {len(axis)}")
        if not (np.diff(axis) > 0).all():
            raise UserError(f"steps along {name} go upwards, each one higher than the one before")
    about = {"axes": [axis.tolist() for axis in axes], **identity}
    rows, measured_by = evaluate_points(
        measure, grid(axes), about=about, points=points, callback=callback, order=order, kernels=kernels
    )
    shape = [len(axis) for axis in axes]
    values = {name: np.array([row[name] for row in rows]).reshape(shape) for name in rows[0]}
    metadata = {**identity, "measured_by": measured_by}
    return Surface(title, axes[0], axes[1] if len(axes) > 1 else None, values, metadata)


class MeasuredPlaces(NamedTuple):
    """Measurements of points.

    Attributes:
        rows: named numbers of each point.
        measured_by: commit, device and kernels; several if the evaluation was resumed with others.
    """

    rows: list[dict[str, float]]
    measured_by: list[str]


def evaluate_points(
    measure: Measure,
    places: Float32[np.ndarray, "n d"],
    *,
    about: Mapping[str, Any],
    points: Path,
    callback: Callback = lambda done, total: None,
    order: Sequence[int] | None = None,
    kernels: Library | None = None,
) -> MeasuredPlaces:
    """Measures points that need not be a grid, and caches them; for arguments and errors see `evaluate_grid`."""
    try:
        points.parent.mkdir(parents=True, exist_ok=True)
        with locked(points.with_suffix(".lock"), of=points, wait=False):
            return _measure_missing(measure, places, _PointsFile(points, about, kernels), callback, order)
    except OSError as error:
        raise UserError(f"cannot write {points}: {error.strerror}") from None


def _measure_missing(
    measure: Measure,
    places: Float32[np.ndarray, "n d"],
    points: "_PointsFile",
    callback: Callback,
    order: Sequence[int] | None,
) -> MeasuredPlaces:
    """Measures the points that are not cached."""
    together = jax.device_count() if order is None else 1
    waiting = [number for number in order or range(len(places)) if number not in points.values]
    with signals_noted() as interruption:
        for first in range(0, len(waiting), together):
            chunk = waiting[first : first + together]
            filled = [*chunk, *[chunk[-1]] * (together - len(chunk))]
            for number, values in zip(chunk, measure(places[filled]), strict=False):
                points.add(number, values)
            callback(len(points.values), len(places))
            if interruption.signal is not None:
                raise Interrupted(interruption.signal)
    return MeasuredPlaces([points.values[number] for number in range(len(places))], sorted(points.measured_by))


class _PointsFile:
    """The cache file of a surface: its identity in the first line, then a line per point.

    Attributes:
        values: by index of the point.
        measured_by: commits, devices and kernels.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], kernels: Library | None) -> None:
        """Reads the file. A truncated line is measured again; lines without provenance are valid.

        Raises:
            UserError: the file holds another surface.
        """
        header = dumps(about) + "\n"
        try:
            found = path.read_text().splitlines(keepends=True) if path.exists() else [header]
            lines = [line for line in found if line.endswith("\n")] or [header]
            there = json.loads(lines[0])
            if not isinstance(there, dict):
                raise TypeError
            rows = [json.loads(line) for line in lines[1:]]
            self.values: dict[int, dict[str, float]] = {row["point"]: numbers(row["values"]) for row in rows}
            self.measured_by: set[str] = {row.get("by", UNKNOWN) for row in rows}
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path} is damaged; remove it to measure anew") from None
        if there != json.loads(header):
            raise UserError(f"{path} holds another surface: {difference(there, json.loads(header))}")
        write_whole(path, "".join(lines))
        self._path, self._by = path, code_and_device() + (f", kernels {kernels.key}" if kernels else "")

    def add(self, number: int, values: dict[str, float]) -> None:
        """Appends the measurement of a point; it is on disk when this returns."""
        self.values[number] = values
        self.measured_by.add(self._by)
        with self._path.open("a") as file:
            file.write(dumps({"point": number, "by": self._by, "values": values}) + "\n")
