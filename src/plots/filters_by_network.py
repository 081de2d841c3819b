"""The first filters of several networks, one sheet beside the other (chapter Fig. 45)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from .style import bare
from .tiles import enlarged, signed_colours, tiled

SIDE, COLUMNS = 44, 8
"""Pixels of a filter, and filters in a row."""


def filters_by_network(networks: Mapping[str, Float[np.ndarray, "n h w 3"]]) -> Figure:
    """A sheet for each network; every filter is on a scale of its own, around grey.

    Args:
        networks: filters for red, green and blue, by the title of the network.
    """
    sheets = [tiled(enlarged(signed_colours(filters), SIDE), COLUMNS) for filters in networks.values()]
    heights = [len(sheet) for sheet in sheets]
    figure = Figure(figsize=(3.9 * len(sheets), max(heights) / 100 + 0.5), layout="constrained")
    for axis, title, sheet in zip(figure.subplots(1, len(sheets), squeeze=False)[0], networks, sheets, strict=True):
        _, height, width, _ = networks[title].shape
        axis.imshow(np.pad(sheet, ((0, max(heights) - len(sheet)), (0, 0), (0, 0)), constant_values=1))
        axis.set_title(f"{title}: {len(networks[title])} of {height}x{width}", fontsize=10)
        bare(axis)
    return figure
