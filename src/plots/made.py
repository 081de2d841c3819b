"""Images made by gradients, from their arrays alone (chapter Figs 52, 53, 55 and 56)."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, Num
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import bare, quiet


def sheet(
    pictures: Num[np.ndarray, "rows columns h w c"],
    columns: Sequence[str],
    rows: Sequence[str],
    below: Sequence[Sequence[str]] | None = None,
) -> Figure:
    """Pictures in a table.

    Args:
        pictures: bytes.
        columns: what stands above them.
        rows: what stands on the left.
        below: what stands below each.
    """
    height, width = (1.7 * side / max(pictures.shape[2:4]) for side in pictures.shape[2:4])
    lines = 0 if below is None else max(text.count("\n") + 1 for row in below for text in row)
    size = (len(columns) * (width + 0.08) + 0.35, len(rows) * (height + 0.08 + 0.15 * lines) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for number, (line, row) in enumerate(zip(axes, rows, strict=True)):
        for place, axis in enumerate(line):
            picture(axis, pictures[number, place])
            if below is not None:
                axis.set_xlabel(below[number][place], fontsize=7.5)
            if not number:
                axis.set_title(columns[place], fontsize=9)
        line[0].set_ylabel(row, fontsize=9)
    return figure


def picture(axis: Axes, shown: Num[np.ndarray, "h w c"]) -> None:
    """One picture of bytes."""
    bare(axis)
    grey = shown.shape[-1] == 1
    axis.imshow(shown[..., 0] if grey else shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def alone(shown: Num[np.ndarray, "h w c"], title: str) -> Figure:
    """One picture, large."""
    height, width = (7 * side / max(shown.shape[:2]) for side in shown.shape[:2])
    figure = Figure(figsize=(width, height + 0.3), layout="constrained")
    axis = figure.subplots()
    picture(axis, shown)
    axis.set_title(title, fontsize=9)
    return figure


def strips(
    pictures: Num[np.ndarray, "rows kept h w c"], steps: Int[np.ndarray, "kept"], rows: Sequence[str], of: str = "step"
) -> Figure:
    """Images on their way, from the start on the left to the end on the right."""
    return sheet(pictures, [f"{of} {step}" if step else "start" for step in steps], rows)


def climbs(values: Mapping[str, Float[np.ndarray, "steps"]], goal: str) -> Figure:
    """A goal against the step, a line for each way.

    Args:
        values: by the name of a way.
        goal: what the values are.
    """
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axis = figure.subplots()
    for name, line in values.items():
        axis.plot(np.arange(len(line)), line, label=name, linewidth=1.2)
    axis.set(xlabel="step", ylabel=goal)
    axis.legend(frameon=False)
    quiet(axis)
    return figure


def losses(layers: Sequence[str], lost: Mapping[str, Float[np.ndarray, "layers n"]]) -> Figure:
    """What is lost by layer: a point for each image, and a line through their means.

    Args:
        layers: from the first to the last.
        lost: relative errors by the space in which they are measured.
    """
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(layers))
    for number, (space, errors) in enumerate(lost.items()):
        axis.plot(places, errors, ".", color=f"C{number}", alpha=0.5, markersize=5)
        axis.plot(places, errors.mean(axis=1), "-", color=f"C{number}", label=f"in {space}")
    axis.set_xticks(places, layers)
    axis.set(ylabel="relative error", ylim=(0, None))
    axis.legend(frameon=False)
    quiet(axis)
    return figure
