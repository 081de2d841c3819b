"""Accuracies of transfer learning: by method, by the part that is trained, and by the number of images."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import quiet

COLORS = ("#e76f51", "#2a6f97", "#8ab17d", "#6d597a")
ACCURACY = "test accuracy (%)"


class Point(NamedTuple):
    """An accuracy in percent.

    Attributes:
        place: on the other axis.
        mean: over seeds.
        low: lower end of its interval, if there is one.
        high: upper end.
    """

    place: int
    mean: float
    low: float | None
    high: float | None


class Line(NamedTuple):
    """Accuracies that belong together.

    Attributes:
        label: in the legend.
        points: from left to right.
    """

    label: str
    points: Sequence[Point]


def transfer_figure(methods: Sequence[tuple[str, Point]], unfrozen: Sequence[Point], images: Sequence[Line]) -> Figure:
    """Three panels with intervals.

    Args:
        methods: from top to bottom.
        unfrozen: accuracies by the number of blocks that are trained.
        images: for some methods, accuracies by the number of images.
    """
    figure = Figure(figsize=(13, 3.4), layout="constrained")
    by_method, by_depth, by_images = figure.subplots(1, 3, width_ratios=[1.15, 1, 1])
    for row, (_, found) in enumerate(methods):
        interval(by_method, found, row, COLORS[1], across=True)
    by_method.set_yticks(range(len(methods)), [name for name, _ in methods])
    by_method.set(xlabel=ACCURACY, ylim=(len(methods) - 0.5, -0.5), title="methods")
    places = range(len(unfrozen))
    for place, found in zip(places, unfrozen, strict=True):
        interval(by_depth, found, place, COLORS[1])
    by_depth.set_xticks(places, [f"{found.place}" for found in unfrozen])
    by_depth.set(xlabel="last blocks that are trained too", ylabel=ACCURACY, title="unfreezing")
    for line, color in zip(images, COLORS, strict=False):
        for found in line.points:
            interval(by_images, found, found.place, color)
        by_images.plot(*zip(*((found.place, found.mean) for found in line.points), strict=True), color=color,
                       label=line.label)  # fmt: skip
    by_images.set(xscale="log", xlabel="training images", ylabel=ACCURACY, title="number of images")
    ticks = sorted({found.place for line in images for found in line.points})
    by_images.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    by_images.minorticks_off()
    by_images.legend(frameon=False)
    for axis in (by_method, by_depth, by_images):
        quiet(axis)
    return figure


def interval(axis: Axes, found: Point, place: int, color: str, *, across: bool = False) -> None:
    """A point and its interval, along the horizontal or the vertical axis."""
    ends = () if found.low is None or found.high is None else (found.low, found.high)
    if across:
        axis.plot(ends, [place] * len(ends), color=color, linewidth=2, solid_capstyle="butt")
        axis.plot(found.mean, place, "o", color=color, markersize=6)
    else:
        axis.plot([place] * len(ends), ends, color=color, linewidth=2, solid_capstyle="butt")
        axis.plot(place, found.mean, "o", color=color, markersize=6)
