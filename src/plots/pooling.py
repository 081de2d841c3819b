"""Pooling as grids of numbers (chapter Figs 7 and 8), and as pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import SIGNED, bare

WINDOWS = ("#f4a261", "#8ecae6", "#a7c957", "#e5989b")
"""Colours of the windows, row by row."""
CHANNELS = ("#e63946", "#2a9d8f", "#457b9d")
"""Colours of the channels: red, green, blue."""


def pooled_grids(
    numbers: Float[np.ndarray, "h w"], size: int, pooled: Mapping[str, Float[np.ndarray, "h2 w2"]]
) -> Figure:
    """A grid of numbers with coloured windows, and beside it the result of each kind of pooling."""
    figure = Figure(figsize=(2.4 + 1.7 * len(pooled), 2.5), layout="constrained")
    axes = figure.subplots(
        1, 1 + len(pooled), width_ratios=[numbers.shape[1], *(each.shape[1] for each in pooled.values())]
    )
    columns = numbers.shape[1] // size
    for axis, (title, values), side in zip(
        axes, {"input": numbers, **pooled}.items(), (size, *(1,) * len(pooled)), strict=True
    ):
        colors = [
            [WINDOWS[(row // side * columns + column // side) % len(WINDOWS)] for column in range(values.shape[1])]
            for row in range(values.shape[0])
        ]
        _grid(axis, values, colors, fontsize=13)
        axis.set_title(title, fontsize=11)
    return figure


def global_grids(maps: Float[np.ndarray, "h w c"], names: Sequence[str], largest: Float[np.ndarray, "c"]) -> Figure:
    """A grid of numbers per channel, and beside it the result of global max-pooling."""
    figure = Figure(figsize=(3.1 * len(names), 2.7), layout="constrained")
    side = maps.shape[1]
    axes = figure.subplots(1, 2 * len(names), width_ratios=[side, 1.3] * len(names))
    for channel, (name, value) in enumerate(zip(names, largest, strict=True)):
        values = maps[..., channel]
        color = CHANNELS[channel % len(CHANNELS)]
        colors = [[color if cell == value else (*to_rgba(color)[:3], 0.15) for cell in row] for row in values]
        _grid(axes[2 * channel], values, colors, fontsize=9)
        axes[2 * channel].set_title(f"{name}, {values.shape[0]}x{values.shape[1]}", fontsize=10)
        _grid(axes[2 * channel + 1], np.array([[value]]), [[color]], fontsize=9)
        axes[2 * channel + 1].set_title("1x1", fontsize=10)
    return figure


def pooled_pictures(
    image: UInt8[np.ndarray, "h w 3"],
    pooled_image: Mapping[str, Float[np.ndarray, "h2 w2 3"]],
    edges: Float[np.ndarray, "h w"],
    pooled_edges: Mapping[str, Float[np.ndarray, "h2 w2"]],
) -> Figure:
    """An image and a map with both signs, and the results of all kinds of pooling; each has its own scale."""
    figure = Figure(figsize=(2 * (1 + len(pooled_image)), 4.5), layout="constrained")
    axes = figure.subplots(2, 1 + len(pooled_image))
    for axis, (title, picture) in zip(axes[0], {"image": image / 255, **pooled_image}.items(), strict=True):
        axis.imshow(picture / picture.max())
        axis.set_title(f"{title}, {picture.shape[0]}x{picture.shape[1]}", fontsize=10)
    for axis, (title, values) in zip(axes[1], {"vertical edges": edges, **pooled_edges}.items(), strict=True):
        largest = np.abs(values).max()
        axis.imshow(values, cmap=SIGNED, vmin=-largest, vmax=largest)
        axis.set_title(title if axis is axes[1, 0] else f"{values.min():.2g} to {values.max():.2g}", fontsize=10)
    for axis in axes.flat:
        bare(axis)
    return figure


def _grid(axis: Axes, values: Float[np.ndarray, "h w"], colors: Sequence[Sequence[object]], fontsize: int) -> None:
    """Numbers in coloured squares."""
    rows, columns = values.shape
    for row in range(rows):
        for column in range(columns):
            axis.add_patch(
                Rectangle((column, row), 1, 1, facecolor=colors[row][column], edgecolor="white", linewidth=1.5)
            )
            text = f"{values[row, column]:.2f}".rstrip("0").rstrip(".")
            axis.text(column + 0.5, row + 0.53, text, ha="center", va="center", fontsize=fontsize)
    axis.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal")
    bare(axis)
