"""Effective receptive fields beside the theoretical ones (Luo et al. 2016, arXiv:1701.04128, Fig. 1)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from .style import bare

WIDE = 4
"""Diameter of the circle, in standard deviations."""


class FieldPicture(NamedTuple):
    """One network's field.

    Attributes:
        squares: mean squared gradient by pixel, in the part of the image that the output depends on.
        side: of the theoretical field, in pixels.
        spread: standard deviation of the effective field, in pixels.
    """

    squares: Float[np.ndarray, "height width"]
    side: int
    spread: float


def effective_fields(rows: Mapping[str, Mapping[str, FieldPicture]]) -> Figure:
    """Networks in columns; the root of the mean squared gradient, relative to the largest.

    Args:
        rows: pictures by what they are called, by the title of the row.
    """
    columns = len(next(iter(rows.values())))
    figure = Figure(figsize=(1.75 * columns + 0.9, 2.0 * len(rows) + 0.5), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    largest = max(picture.side for pictures in rows.values() for picture in pictures.values()) / 2 + 0.5
    for row, (line, (title, pictures)) in enumerate(zip(axes, rows.items(), strict=True)):
        for axis, (name, picture) in zip(line, pictures.items(), strict=True):
            height, width = picture.squares.shape
            gradients = np.sqrt(picture.squares / picture.squares.max())
            extent = (-width / 2, width / 2, height / 2, -height / 2)
            image = axis.imshow(gradients, cmap="magma", vmin=0, vmax=1, extent=extent)
            corner, side = (-picture.side / 2, -picture.side / 2), picture.side
            axis.add_patch(Rectangle(corner, side, side, fill=False, color="#2a9d8f", linewidth=1.6, clip_on=False))
            middle = (0.0, 0.0)
            axis.add_patch(Circle(middle, WIDE / 2 * picture.spread, fill=False, color="white", linewidth=1.2))
            bare(axis)
            axis.set(xlim=(-largest, largest), ylim=(largest, -largest))
            axis.set_title("" if row else name, fontsize=10)
            axis.set_xlabel(f"{side}x{side}, spread {picture.spread:.2f}", fontsize=8.5)
        line[0].set_ylabel(title, fontsize=10)
    figure.colorbar(image, ax=axes, shrink=0.7, label="gradient, part of the largest")
    figure.supxlabel(
        "square: theoretical field; circle: two standard deviations (spreads) of the effective one", fontsize=9
    )
    return figure
