"""Images, the class of every pixel, and what networks say of it, below each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Integer, UInt8
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..tracking.palette import class_colors
from .style import bare

IN_A_ROW = 6
"""Names in the legend."""


def mask_figure(
    images: UInt8[np.ndarray, "n h w 3"],
    masks: Integer[np.ndarray, "n h w"],
    found: Mapping[str, Integer[np.ndarray, "n h w"]],
    names: Sequence[str],
) -> Figure:
    """A column for each image; below it its mask and the masks that were found.

    Args:
        images: of one size.
        masks: the class of every pixel; larger numbers are of none, and white.
        found: what networks say, by their names.
        names: of the classes.
    """
    rows = {"image": images, "mask": masks, **found}
    height, width = images.shape[1:3]
    size = 1.2 * len(images) + 0.4, 1.2 * height / width * len(rows) + 0.5
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), len(images), squeeze=False)
    colors = ListedColormap(class_colors(len(names)) / 255).with_extremes(over="white")
    for row, (title, maps) in zip(axes, rows.items(), strict=True):
        for axis, each in zip(row, maps, strict=True):
            bare(axis)
            axis.imshow(each, cmap=colors, vmin=-0.5, vmax=len(names) - 0.5, interpolation="nearest")
        row[0].text(-0.12, 0.5, title, rotation=90, ha="right", va="center", transform=row[0].transAxes)
    patches = [Patch(color=colors(number), label=name) for number, name in enumerate(names)]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(len(names), IN_A_ROW), frameon=False)
    return figure
