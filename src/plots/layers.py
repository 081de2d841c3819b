"""Values by layer of a network, in the order of the layers."""

from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.figure import Figure

from .style import quiet

Series = Mapping[str, Sequence[float]]
"""Values by layer, by label in the legend."""


def responses_by_layer(panels: Mapping[str, Series]) -> Figure:
    """Standard deviations of layer responses, as in He et al. 2015, Fig. 7: above by layer, below sorted.

    Args:
        panels: networks of a kind, by its name; each has the standard deviations of its layers.
    """
    figure = Figure(figsize=(4.6 * len(panels), 5.6), layout="constrained")
    rows = figure.subplots(2, len(panels), sharex="col", sharey=True, squeeze=False)
    for column, (title, series) in enumerate(panels.items()):
        for number, (label, values) in enumerate(series.items()):
            rows[0, column].plot(values, color=f"C{number}", linewidth=1.4, label=label)
            rows[1, column].plot(sorted(values, reverse=True), color=f"C{number}", linewidth=1.4, label=label)
        rows[0, column].set(title=title, xlabel="layer")
        rows[1, column].set(xlabel="layer, sorted by size")
        rows[0, column].legend(frameon=False)
    for axis in rows.flat:
        axis.set_ylim(bottom=0)
        quiet(axis)
    figure.supylabel("standard deviation of the response")
    return figure


def gradients_by_layer(panels: Mapping[str, Series]) -> Figure:
    """Gradient norms of every layer at several steps of training, one panel per network.

    Args:
        panels: by the network's name; each has the norms of its layers by when they were measured, earliest first.
    """
    figure = Figure(figsize=(3.6 * len(panels), 3.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, series) in zip(axes, panels.items(), strict=True):
        for number, (label, values) in enumerate(series.items()):
            axis.semilogy(
                values, color=colormaps["viridis"](0.9 * number / max(1, len(series) - 1)), linewidth=1.2, label=label
            )
        axis.set(title=title, xlabel="layer")
        quiet(axis)
    axes[0].set_ylabel("norm of the gradient by the kernel")
    axes[-1].legend(frameon=False, fontsize="small")
    return figure
