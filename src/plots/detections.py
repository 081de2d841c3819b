"""What a network finds in images, what it takes for something, and what it misses."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..detection.precision import Curve
from ..tracking.palette import OBJECTS
from .style import bare, quiet

RIGHT, FALSE, MISSED = "#2a9d8f", "#e63946", "#ffd166"

CROWDED = 10
"""Of more boxes than these the words would hide each other and the image."""


class Mark(NamedTuple):
    """A box in an image: top, left, bottom, right in its pixels, and what is written at it."""

    box: Sequence[float]
    text: str
    color: str


class Scene(NamedTuple):
    """An image with boxes, and what is written below it."""

    image: UInt8[np.ndarray, "h w c"]
    marks: list[Mark]
    caption: str = ""


def scenes_figure(rows: Mapping[str, Sequence[Scene]]) -> Figure:
    """Rows of images with their boxes; detections that are right or false, and objects that are missed.

    Boxes bear their words where there is room for them.
    """
    columns = max(map(len, rows.values()))
    figure = Figure(figsize=(1.75 * columns + 0.3, 1.95 * len(rows) + 0.4), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (title, scenes) in zip(axes, rows.items(), strict=True):
        for axis in line:
            bare(axis)
        for axis, scene in zip(line, scenes, strict=False):
            _scene(axis, scene)
        line[0].set_ylabel(title, fontsize=10)
    words = {"right": RIGHT, "false": FALSE, "missed": MISSED}
    patches = [Patch(color=color, label=word) for word, color in words.items()]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches), frameon=False)
    return figure


def _scene(axis: Axes, scene: Scene) -> None:
    image = scene.image if scene.image.shape[-1] == 3 else scene.image[..., 0]
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for mark in scene.marks:
        top, left, bottom, right = (side - 0.5 for side in mark.box)
        style = "--" if mark.color == MISSED else "-"
        width, height = right - left, bottom - top
        axis.add_patch(Rectangle((left, top), width, height, fill=False, color=mark.color, lw=1.4, ls=style))
        if len(scene.marks) <= CROWDED:
            _words(axis, mark, image.shape[:2])
    axis.set_xlabel(scene.caption, fontsize=8)


def _words(axis: Axes, mark: Mark, shape: tuple[int, int]) -> None:
    """Above a box, or below one that touches the upper edge of the image."""
    (top, left, bottom, _), (height, width) = mark.box, shape
    below = top < 0.12 * height
    axis.text(
        min(left, 0.6 * width) - 0.5, (bottom if below else top) - 0.5, mark.text, fontsize=5.5, color="black",
        va="top" if below else "bottom", clip_on=True, bbox={"facecolor": mark.color, "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def precision_figure(curves: Mapping[str, Curve], scores: Mapping[str, float], title: str) -> Figure:
    """Precision over recall of each class, with its average precision in percent, and the thresholds as a title."""
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    axis = figure.add_subplot(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    for color, (name, curve) in zip(OBJECTS * len(curves), curves.items(), strict=False):
        recall, precision = np.append(0, curve.recall), np.append(curve.precision[:1], curve.precision)
        axis.plot(recall, precision, color=color, label=f"{name}, {scores[name]:.1f} %")
    axis.set_title(title, fontsize=9)
    quiet(axis)
    axis.legend(title="average precision", loc="lower left", frameon=False)
    return figure


def confusion_figure(table: Int[np.ndarray, "c1 c1"], names: Sequence[str], title: str) -> Figure:
    """How many objects of each class are taken for which; beside them those that are missed or made up.

    Shades are shares of the objects of a row; what is made up is compared with the most frequent class.

    Args:
        table: `src.detection.precision.confusion`.
        names: of the classes.
        title: the thresholds.
    """
    side = 0.72 * len(table) + 1.4
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    axis = figure.add_subplot(xlabel="found", ylabel="there")
    objects = table[:-1].sum(1)
    shares = table / np.maximum(np.append(objects, objects.max()), 1)[:, None]
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.2)
    for row, column in np.ndindex(*table.shape):
        if row < len(names) or column < len(names):  # nothing that is found nowhere cannot be counted
            color = "white" if shares[row, column] > 0.7 else "black"
            axis.text(column, row, f"{table[row, column]:,}", ha="center", va="center", color=color)
    axis.set_xticks(range(len(table)), [*names, "missed"], rotation=30, ha="right")
    axis.set_yticks(range(len(table)), [*names, "nothing"])
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    axis.set_title(title, fontsize=9)
    return figure
