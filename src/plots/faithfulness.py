"""Maps of attribution side by side, and what becomes of them as layers become random."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from matplotlib.figure import Figure

from .style import SIGNED, bare, quiet
from .tiles import as_colours

CLIPPED = 99
"""The percentile of a map's sizes that has the full colour, so that single pixels do not darken the others."""


def maps_figure(images: UInt8[np.ndarray, "n h w c"], maps: Mapping[str, Float[np.ndarray, "n ..."]]) -> Figure:
    """A row for each image: the image, and the map of each method on a scale of its own.

    Args:
        images: as they are stored.
        maps: by method; blue is below zero, red above; those of a method that are nowhere below zero are dark where
            they are 0.
    """
    columns = len(maps) + 1
    figure = Figure(figsize=(1.25 * columns, 1.2 * len(images) + 0.4), layout="constrained")
    axes = figure.subplots(len(images), columns, squeeze=False)
    for row, image in zip(axes, as_colours(images), strict=True):
        row[0].imshow(image)
    for column, (name, own) in enumerate(maps.items(), start=1):
        axes[0, column].set_title(name.replace(" ", "\n", 1), fontsize=8)
        added = own.sum(-1) if own.ndim == 4 else own
        for row, values in zip(axes, added, strict=True):
            row[column].imshow(picture(values, signed=bool(added.min() < 0)))
    for axis in axes.ravel():
        bare(axis)
    return figure


def picture(values: Float[np.ndarray, "h w"], *, signed: bool) -> Float[np.ndarray, "h w 3"]:
    """A map as colours."""
    largest = max(float(np.percentile(np.abs(values), CLIPPED)), float(np.finfo(np.float32).tiny))
    if signed:
        return colormaps[SIGNED](0.5 + values / (2 * largest))[..., :3]
    return colormaps["inferno"](values / largest)[..., :3]


def random_layers_figure(methods: Mapping[str, Float[np.ndarray, "layers 3"]]) -> Figure:
    """How alike the maps of a network and of the same with random layers are.

    Args:
        methods: by method, for each layer that became random last: the mean over images, and the ends of its interval.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axis = figure.subplots()
    for number, (name, lines) in enumerate(methods.items()):
        mean, low, high = lines.T
        random = range(1, len(lines) + 1)
        axis.fill_between(random, low, high, color=f"C{number}", alpha=0.12, linewidth=0)
        axis.plot(random, mean, color=f"C{number}", linewidth=1.5, label=name)
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.set(xlabel="random layers, from the output on", ylabel="rank correlation with the map of the network")
    figure.legend(loc="outside right upper", frameon=False)
    quiet(axis)
    return figure
