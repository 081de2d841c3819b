"""Costs and errors of networks with different filters (chapter Figs 19-24 and 39)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from .style import quiet
from .zoo import frontier

COLORS = ("#457b9d", "#e9a178", "#8d99ae")
MARKERS = "osD^vPX*<>"


class Contender(NamedTuple):
    """One network of a comparison.

    Attributes:
        name: written beside it.
        costs: relative to the first network of the comparison, by kind of cost.
        errors: on the test split in percent, one for each seed.
    """

    name: str
    costs: Mapping[str, float]
    errors: Sequence[float]


def comparisons(groups: Sequence[Sequence[Contender]]) -> Figure:
    """One row per network, a panel of bars per cost, and one of errors: seeds as open circles, means as filled ones."""
    kinds = list(groups[0][0].costs)
    count = sum(map(len, groups))
    figure = Figure(figsize=(2.5 * len(kinds) + 4.2, 0.42 * count + 0.4 * len(groups) + 0.5), layout="constrained")
    axes = figure.subplots(1, len(kinds) + 1, sharey=True, width_ratios=[*[1] * len(kinds), 1.5])
    places = iter(np.arange(count) + np.repeat(np.arange(len(groups)) * 0.6, [len(group) for group in groups]))
    ticks = {}
    for group in groups:
        for contender in group:
            place = float(next(places))
            ticks[place] = contender.name
            for axis, kind, color in zip(axes, kinds, COLORS, strict=False):
                bar = axis.barh(place, contender.costs[kind], color=color, height=0.68)
                axis.bar_label(bar, [f"{contender.costs[kind]:.2f}"], padding=3, fontsize=9)
            seeds = {"color": "0.25", "mfc": "none", "markersize": 5}
            axes[-1].plot(contender.errors, [place] * len(contender.errors), "o", **seeds)
            axes[-1].plot(np.mean(contender.errors), place, "o", color="#c1121f", markersize=6)
    for axis, title in zip(axes, [*(f"{kind},\nover the first's" for kind in kinds), "test error (%)"], strict=True):
        axis.set_title(title, fontsize=10)
        quiet(axis)
        axis.tick_params(left=False)
        axis.grid(visible=False, axis="y")
    for axis, kind in zip(axes, kinds, strict=False):
        axis.grid(visible=False)
        axis.set(xlim=(0, 1.25 * max(each.costs[kind] for group in groups for each in group)), xticks=[])
        axis.spines["bottom"].set_visible(False)
    axes[0].set_yticks(list(ticks), list(ticks.values()))
    axes[0].invert_yaxis()
    return figure


class Measured(NamedTuple):
    """One network of cheap blocks.

    Attributes:
        kind: of its blocks.
        width: channels.
        multiplications: for one image, in millions.
        accuracy: on the test split in percent, the mean over the seeds.
        accuracies: of the seeds.
        seconds: of a training step, relative to full filters of the largest width.
    """

    kind: str
    width: int
    multiplications: float
    accuracy: float
    accuracies: Sequence[float]
    seconds: float


def accuracy_front(networks: Sequence[Measured]) -> Figure:
    """Accuracy over multiplications; a dashed line joins the Pareto-optimal networks."""
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    axis = figure.subplots()
    line = [(network.multiplications, network.accuracy) for network in frontier(networks)]
    axis.plot(*zip(*line, strict=True), color="0.7", linewidth=1.2, linestyle="--", zorder=0, label="front")
    for number, (kind, own) in enumerate(by_kind(networks).items()):
        style: dict[str, Any] = {"color": f"C{number % 10}", "marker": MARKERS[number % len(MARKERS)]}
        costs = [network.multiplications for network in own]
        axis.plot(costs, [network.accuracy for network in own], **style, linewidth=1.2, markersize=8, label=kind)
        for network in own:
            seeds = [network.multiplications] * len(network.accuracies)
            axis.plot(seeds, network.accuracies, **style, linestyle="", markersize=3.5, alpha=0.45)
            if len(own) > 1:
                place = (network.multiplications, network.accuracy)
                axis.annotate(str(network.width), place, (7, 5), textcoords="offset points", fontsize=8.5)
    axis.set(xscale="log", xlabel="multiplications for one image (millions)", ylabel="test accuracy (%)")
    _few_ticks(axis.xaxis)
    quiet(axis)
    figure.legend(loc="outside right center", frameon=False, title="numbers: channels\nsmall marks: seeds")
    return figure


def seconds_against_multiplications(networks: Sequence[Measured]) -> Figure:
    """Measured time over multiplications, both relative to the costliest network; the line is proportionality."""
    figure = Figure(figsize=(7.6, 4.8), layout="constrained")
    axis = figure.subplots()
    most = max(network.multiplications for network in networks)
    for number, (kind, own) in enumerate(by_kind(networks).items()):
        shares = [network.multiplications / most for network in own]
        style: dict[str, Any] = {"color": f"C{number % 10}", "marker": MARKERS[number % len(MARKERS)]}
        axis.plot(shares, [network.seconds for network in own], **style, linewidth=1.2, markersize=8, label=kind)
    low = min(network.multiplications for network in networks) / most
    axis.plot([low, 1], [low, 1], color="0.7", linewidth=1.2, linestyle="--", zorder=0, label="as predicted")
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="multiplications, over those of full filters",
        ylabel="seconds of a training step, over those of full filters",
    )
    _few_ticks(axis.xaxis)
    _few_ticks(axis.yaxis)
    quiet(axis)
    figure.legend(loc="outside right center", frameon=False)
    return figure


def by_kind(networks: Sequence[Measured]) -> dict[str, list[Measured]]:
    """The networks of each kind of block, in the order given."""
    return {
        kind: [network for network in networks if network.kind == kind]
        for kind in dict.fromkeys(network.kind for network in networks)
    }


def _few_ticks(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, such as 0.1, 0.2, 0.5 and 1."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")
