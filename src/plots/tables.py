"""One-dimensional networks on tables whose columns are in order or shuffled."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import quiet

Scores = Mapping[str, Mapping[str, Sequence[float]]]

COLORS = ("#8d99ae", "#2a9d8f", "#e76f51", "#457b9d")


def tables_figure(rows: Mapping[str, Num[np.ndarray, "columns"]], scores: Scores) -> Figure:
    """One row of the table in each order on the left; accuracies on the right, a dot for each run.

    Args:
        rows: the values of one row, by the order of its columns.
        scores: accuracies in percent by network, and for each by order.
    """
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    grid = figure.add_gridspec(len(rows), 2, width_ratios=[1, 1.15])
    for place, (order, values) in enumerate(rows.items()):
        axis = figure.add_subplot(grid[place, 0], ylabel="ink")
        axis.bar(range(len(values)), values, color="0.55", width=0.9)
        axis.set_title(f"one row, columns {order}", fontsize=10)
        quiet(axis)
    axis.set_xlabel("column")
    _accuracies(figure.add_subplot(grid[:, 1]), scores)
    return figure


def _accuracies(axis: Axes, scores: Scores) -> None:
    orders = list(next(iter(scores.values())))
    width = 0.8 / len(scores)
    for number, (network, found) in enumerate(scores.items()):
        places = np.arange(len(orders)) + (number - (len(scores) - 1) / 2) * width
        means = [float(np.mean(found[order])) for order in orders]
        bars = axis.bar(places, means, width=0.92 * width, color=COLORS[number], alpha=0.75, label=network)
        axis.bar_label(bars, [f"{mean:.1f}" for mean in means], label_type="center", color="white", fontweight="bold")
        for place, order in zip(places, orders, strict=True):
            axis.plot([place] * len(found[order]), found[order], ".", color="black", markersize=4)
    axis.set_xticks(range(len(orders)), [f"columns {order}" for order in orders])
    axis.set_ylabel("test accuracy (%)")
    quiet(axis)
    axis.grid(visible=False, axis="x")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(scores), frameon=False)
