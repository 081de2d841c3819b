"""Linear probes by depth, and how alike layers are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from matplotlib.figure import Figure

from ..tasks.intervals import wilson_interval
from .style import quiet


class ProbeCurve(NamedTuple):
    """What linear classifiers read off the blocks of a network.

    Attributes:
        name: of the network.
        layers: names of its blocks.
        right: test images that each classifier gives their class.
        images: all test images.
    """

    name: str
    layers: Sequence[str]
    right: Int[np.ndarray, "layers"]
    images: int


class Alignment(NamedTuple):
    """How alike the layers of two networks are.

    Attributes:
        one: title of the network whose layers are the rows.
        other: of that whose layers are the columns.
        values: centred kernel alignment.
        measured_by: commit, device and kernels.
    """

    one: str
    other: str
    values: list[list[float]]
    measured_by: list[str]


def probes_figure(curves: Sequence[ProbeCurve]) -> Figure:
    """Right answers in percent, with 95 % intervals, by the number of the block."""
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axis = figure.subplots()
    for number, curve in enumerate(curves):
        low, high = 100 * np.array([wilson_interval(int(right), curve.images) for right in curve.right]).T
        axis.fill_between(range(len(low)), low, high, color=f"C{number}", alpha=0.25, linewidth=0)
        axis.plot(100 * curve.right / curve.images, "o-", color=f"C{number}", markersize=3.5, label=curve.name)
    axis.set_xlabel("part of the network; 0 is the first layer, then come the blocks")
    axis.set_ylabel("test images that a linear classifier gets right (%)")
    axis.legend(loc="lower right", frameon=False)
    quiet(axis)
    return figure


def alignments_figure(pairs: Sequence[Alignment]) -> Figure:
    """A square for every pair of networks: light where their layers are alike."""
    rows = len({pair.one for pair in pairs})
    figure = Figure(figsize=(3.9 * rows + 0.9, 3.8 * rows), layout="constrained")
    axes = figure.subplots(rows, rows, squeeze=False).ravel()
    for axis, pair in zip(axes, pairs, strict=True):
        image = axis.imshow(pair.values, origin="lower", vmin=0, vmax=1, cmap="magma")
        axis.set(ylabel=f"{pair.one}, part", xlabel=f"{pair.other}, part")
    figure.colorbar(image, ax=axes, label="centred kernel alignment", shrink=0.7)
    return figure
