"""Images with the box of their object, and the one that a network says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import bare

TRUE, SAID = "#f2f2f2", "#ffb703"
ROWS = 2


def box_figure(
    images: UInt8[np.ndarray, "n h w 3"],
    boxes: Float[np.ndarray, "n 4"],
    said: Float[np.ndarray, "n 4"],
    titles: Sequence[str],
) -> Figure:
    """Images with two boxes each: the true one dashed and light, the one that was said in yellow.

    Args:
        images: of one size.
        boxes: top, left, bottom and right in pixels.
        said: the same, by the network.
        titles: below each image.
    """
    columns = -(-len(images) // ROWS)
    figure = Figure(figsize=(1.5 * columns, 1.85 * ROWS), layout="constrained")
    axes = figure.subplots(ROWS, columns, squeeze=False).ravel()
    for axis in axes:
        bare(axis)
    for axis, image, own, found, title in zip(axes, images, boxes, said, titles, strict=False):
        axis.imshow(image)
        axis.add_patch(rectangle(own, edgecolor=TRUE, linestyle=(0, (3, 2)), linewidth=1.6))
        axis.add_patch(rectangle(found, edgecolor=SAID, linewidth=1.6))
        axis.set_xlabel(title, fontsize=8)
    return figure


def rectangle(box: Float[np.ndarray, "4"], **style: Any) -> Rectangle:
    """A box; the middle of the first pixel is at 0."""
    top, left, bottom, right = (box - 0.5).tolist()
    return Rectangle((left, top), right - left, bottom - top, fill=False, **style)
