"""Errors of networks with removed or swapped modules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import quiet


@dataclass(frozen=True)
class Removals:
    """Errors of a network without single modules.

    Attributes:
        label: in the legend.
        errors: in percent, by run and module.
        whole: the error with all modules, by run.
        marked: modules with another marker, such as those that halve the image.
    """

    label: str
    errors: Sequence[Sequence[float]]
    whole: Sequence[float]
    marked: Sequence[int]


def single_removals(networks: Sequence[Removals], guessing: float, marked: str) -> Figure:
    """The error without each module, as in Veit et al. 2016, Fig. 3: runs as dots, their mean as a line.

    Args:
        networks: one colour each; the dashed line is the error of the whole network.
        guessing: the error of guessing.
        marked: legend of the modules in squares.
    """
    figure = Figure(figsize=(7.4, 3.8), layout="constrained")
    axis = figure.subplots()
    for number, network in enumerate(networks):
        color, means = f"C{number}", np.mean(network.errors, axis=0)
        places = np.arange(1, len(means) + 1)
        for errors in network.errors:
            axis.plot(places, errors, ".", color=color, alpha=0.35)
        axis.plot(places, means, color=color, linewidth=1.8, label=network.label)
        axis.axhline(float(np.mean(network.whole)), color=color, linewidth=1, linestyle="--")
        if network.marked:
            chosen = list(network.marked)
            axis.plot(places[chosen], means[chosen], "s", color=color, markerfacecolor="white", label=marked)
    axis.axhline(guessing, color="0.4", linewidth=1, linestyle=":")
    axis.annotate("guessing", (1, guessing), (0, 3), textcoords="offset points", color="0.4", fontsize="small")
    axis.set(
        xlabel="module that is taken out, of those that can be (dashed: none)", ylabel="test error (%)", ylim=(0, 100)
    )
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    quiet(axis)
    return figure


def several_lesions(
    removed: Mapping[int, Sequence[float]], shuffled: Sequence[tuple[float, float]], whole: float, guessing: float
) -> Figure:
    """Errors with more and more lesions, as in Veit et al. 2016, Fig. 5: modules removed, and reordered.

    Args:
        removed: errors in percent by the number of modules.
        shuffled: Kendall's tau of the order, and the error with it.
        whole: the error of the intact network, dashed.
        guessing: the error of guessing, dotted.
    """
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.boxplot(
        list(removed.values()),
        positions=list(removed),
        widths=0.6,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": "#cfe1f2", "edgecolor": "C0"},
        medianprops={"color": "C0", "linewidth": 2},
        whiskerprops={"color": "C0"},
        capprops={"color": "C0"},
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": "C0"},
    )
    left.set(xlabel="modules taken out at random", ylabel="test error (%)", ylim=(0, 100))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.plot(*zip(*shuffled, strict=True), ".", color="C0", alpha=0.35)
    right.plot(*_medians(shuffled), color="C1", linewidth=2, label="median")
    right.set(xlabel="Kendall's tau between old and new order")
    right.invert_xaxis()
    right.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.88))
    for axis in (left, right):
        _levels(axis, whole, guessing)
        quiet(axis)
    return figure


def _medians(points: Sequence[tuple[float, float]], width: float = 0.05) -> tuple[list[float], list[float]]:
    """Medians of both coordinates in bins of the first."""
    values = np.array(sorted(points))
    bins = np.round(values[:, 0] / width)
    groups = [values[bins == each] for each in np.unique(bins)]
    return [float(np.median(group[:, 0])) for group in groups], [float(np.median(group[:, 1])) for group in groups]


def _levels(axis: Axes, whole: float, guessing: float) -> None:
    axis.axhline(whole, color="0.4", linewidth=1, linestyle="--")
    axis.axhline(guessing, color="0.4", linewidth=1, linestyle=":")
