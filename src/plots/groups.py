"""The filters of two groups side by side (Krizhevsky et al. 2012, Fig. 3)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .style import bare, quiet

COLUMNS = 12
GROUPS = ("#457b9d", "#e76f51")
"""Colours of the first and the second group."""


class Group(NamedTuple):
    """One group of filters.

    Attributes:
        filters: for red, green and blue.
        shares: share of each filter's energy in differences between colours.
    """

    filters: Float[np.ndarray, "h w 3 n"]
    shares: Float[np.ndarray, "n"]


def groups_figure(networks: Mapping[str, tuple[Group, Group]]) -> Figure:
    """A row for each network: the filters of both groups in the order of their shares, and the shares themselves."""
    figure = Figure(figsize=(11.5, 1.75 * len(networks) + 0.4), layout=ConstrainedLayoutEngine(w_pad=0.12))
    axes = figure.subplots(len(networks), 3, squeeze=False, width_ratios=[1.5, 1.5, 1])
    for row, (name, groups) in zip(axes, networks.items(), strict=True):
        for axis, group, color, half in zip(row, groups, GROUPS, ("first", "second"), strict=False):
            axis.imshow(_tiles(group.filters[..., np.argsort(group.shares)]))
            bare(axis)
            axis.set_title(f"{half} half, colour {np.nanmean(group.shares):.0%}", fontsize=10, color=color)
        row[0].set_ylabel(name, fontsize=10)
        _shares(row[2], groups)
    axes[-1, 2].set_xlabel("filters, in order")
    return figure


def _shares(axis: Axes, groups: tuple[Group, Group]) -> None:
    for group, color in zip(groups, GROUPS, strict=True):
        axis.plot(np.sort(100 * group.shares), ".", color=color, markersize=4)
    axis.set(ylim=(0, 100), ylabel="colour (%)")
    quiet(axis)


def _tiles(filters: Float[np.ndarray, "h w 3 n"]) -> Float[np.ndarray, "height width 3"]:
    """Filters in rows, with white between them; each is scaled to the full range, with zero as grey."""
    height, width, _, count = filters.shape
    rows = -(-count // COLUMNS)
    picture = np.ones((rows * (height + 1) - 1, COLUMNS * (width + 1) - 1, 3))
    for number in range(count):
        own = filters[..., number]
        top, left = number // COLUMNS * (height + 1), number % COLUMNS * (width + 1)
        picture[top : top + height, left : left + width] = 0.5 + own / max(2 * np.abs(own).max(), np.finfo(float).tiny)
    return picture
