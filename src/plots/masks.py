"""Images, the class of every pixel, and what a network says of it, side by side."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer, UInt8
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..tracking.palette import class_colors
from .style import bare


def mask_figure(
    images: UInt8[np.ndarray, "n h w 3"],
    masks: Integer[np.ndarray, "n h w"],
    found: Integer[np.ndarray, "n h w"],
    names: Sequence[str],
) -> Figure:
    """A column for each image; below it its mask and the mask that was found."""
    titles = ("image", "mask", "found")
    figure = Figure(figsize=(1.2 * len(images) + 0.4, 4.1), layout="constrained")
    axes = figure.subplots(3, len(images), squeeze=False)
    colors = ListedColormap(class_colors(len(names)) / 255)
    for row, title, maps in zip(axes, titles, (images, masks, found), strict=True):
        for axis, each in zip(row, maps, strict=True):
            bare(axis)
            axis.imshow(each, cmap=colors, vmin=-0.5, vmax=len(names) - 0.5, interpolation="nearest")
        row[0].text(-0.12, 0.5, title, rotation=90, ha="right", va="center", transform=row[0].transAxes)
    patches = [Patch(color=colors(number), label=name) for number, name in enumerate(names)]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(names), frameon=False)
    return figure
