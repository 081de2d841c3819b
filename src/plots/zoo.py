"""Accuracy against cost of networks (chapter Fig. 26)."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import quiet

AREA = 12
"""Points² for a million parameters."""
LEGEND = (5, 25, 60, 140)
LAYOUT: dict[str, Any] = {
    "loc": "outside right center",
    "frameon": False,
    "labelspacing": 2.8,
    "handletextpad": 2.2,
    "borderpad": 1.6,
}


class Point(NamedTuple):
    """One network.

    Attributes:
        name: written beside it.
        family: networks of one family have one colour.
        accuracy: published, in percent.
        multiplications: in billions for one image.
        parameters: in millions.
    """

    name: str
    family: str
    accuracy: float
    multiplications: float
    parameters: float


@runtime_checkable
class Scored(Protocol):
    """A network with a cost and a score."""

    @property
    def multiplications(self) -> float:
        """Multiplications."""

    @property
    def accuracy(self) -> float:
        """Accuracy."""


ScoredT = TypeVar("ScoredT", bound=Scored)


def accuracy_against_cost(points: Sequence[Point]) -> Figure:
    """Circles with areas in proportion to the parameters, over a logarithmic axis of multiply-adds.

    A line joins the Pareto-optimal networks; their names are on the left, those of the others on the right if there is
    room.
    """
    figure = Figure(figsize=(9.2, 6), layout="constrained")
    axis = figure.subplots()
    colors = {family: f"C{number}" for number, family in enumerate(dict.fromkeys(point.family for point in points))}
    best = frontier(points)
    line = [(point.multiplications, point.accuracy) for point in best]
    axis.plot(*zip(*line, strict=True), color="0.75", linewidth=1, linestyle="--", zorder=0)
    for point in points:
        place, color = (point.multiplications, point.accuracy), colors[point.family]
        axis.scatter(*place, s=AREA * point.parameters, color=color, alpha=0.5, linewidth=0)
        _name(axis, point, left=point in best or crowded(point, points))
    axis.set(
        xscale="log",
        xlabel="multiply-adds for one image (billions), ours",
        ylabel="top-1 accuracy on ImageNet (%), published",
    )
    axis.xaxis.set_major_formatter("{x:g}")
    axis.margins(0.18, 0.12)
    quiet(axis)
    handles = [axis.scatter([], [], s=AREA * size, color="0.6", alpha=0.5, linewidth=0) for size in LEGEND]
    names = [f"{size} M" for size in LEGEND]
    figure.legend(handles, names, title="parameters, ours", **LAYOUT)
    return figure


def frontier(points: Sequence[ScoredT]) -> list[ScoredT]:
    """The Pareto front: networks more accurate than all that cost at most as much, the cheapest first."""
    found: list[ScoredT] = []
    for point in sorted(points, key=lambda point: (point.multiplications, -point.accuracy)):
        if not found or point.accuracy > found[-1].accuracy:
            found.append(point)
    return found


def crowded(point: Point, points: Sequence[Point]) -> bool:
    """Whether another circle overlaps the place of a name on the right."""
    return any(
        1 < other.multiplications / point.multiplications < 1.6 and abs(other.accuracy - point.accuracy) < 0.5
        for other in points
    )


def _name(axis: Axes, point: Point, *, left: bool) -> None:
    """Writes the name beside the circle."""
    shift = np.sqrt(AREA * point.parameters / np.pi) + 3
    axis.annotate(
        point.name,
        (point.multiplications, point.accuracy),
        (-shift if left else shift, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=8.5,
    )
