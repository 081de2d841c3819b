"""Adversarial images and what they do (chapter Fig. 54)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..tasks.intervals import wilson_interval
from .style import bare, quiet

TIMES = 10
"""By how much the difference is enlarged in the last column, as in the survey."""


class Turned(NamedTuple):
    """An image before and after an attack.

    Attributes:
        before: from 0 to 1.
        after: the same.
        answer_before: class and probability.
        answer_after: the same.
    """

    before: Float[np.ndarray, "h w c"]
    after: Float[np.ndarray, "h w c"]
    answer_before: tuple[str, float]
    answer_after: tuple[str, float]


def turned_images(rows: Sequence[Turned]) -> Figure:
    """For each image: before, after, the difference, and ten times the difference; no change is grey."""
    figure = Figure(figsize=(7.2, 1.95 * len(rows) + 0.3), layout="constrained")
    axes = figure.subplots(len(rows), 4, squeeze=False)
    for number, (line, each) in enumerate(zip(axes, rows, strict=True)):
        difference = each.after - each.before
        pictures = (each.before, each.after, 0.5 + difference, 0.5 + TIMES * difference)
        for axis, picture in zip(line, pictures, strict=True):
            _picture(axis, np.clip(picture, 0, 1))
        for axis, (name, probability) in zip(line, (each.answer_before, each.answer_after), strict=False):
            axis.set_xlabel(f"{name}, {_percent(probability)}", fontsize=9)
        line[2].set_xlabel(f"norm {np.linalg.norm(difference):.2f}, largest {np.abs(difference).max():.3f}", fontsize=8)
        if not number:
            for axis, title in zip(line, ("image", "changed", "difference", f"{TIMES} x difference"), strict=True):
                axis.set_title(title, fontsize=10)
    return figure


def _picture(axis: Axes, picture: Float[np.ndarray, "h w c"]) -> None:
    bare(axis)
    shown = picture if picture.shape[-1] == 3 else picture[..., 0]
    axis.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _percent(probability: float) -> str:
    """A probability that is never rounded to all."""
    return "> 99.9 %" if probability > 0.9995 else f"{100 * probability:.1f} %"


def accuracy_curves(counts: Mapping[str, Sequence[int]], images: int, epsilons: Sequence[float]) -> Figure:
    """The share of images still answered rightly against the largest change, with 95 % intervals.

    Args:
        counts: by the name of an attack: right answers at each epsilon.
        images: of how many.
        epsilons: in units of the pixel range.
    """
    figure = Figure(figsize=(5.2, 3.7), layout="constrained")
    axis = figure.subplots()
    levels = 255 * np.asarray(epsilons)
    for number, (name, right) in enumerate(counts.items()):
        low, high = np.transpose([wilson_interval(count, images) for count in right])
        axis.fill_between(levels, low, high, color=f"C{number}", alpha=0.12, linewidth=0)
        axis.plot(levels, np.asarray(right) / images, "o-", markersize=3.5, color=f"C{number}", label=name)
    axis.set(xlabel="largest change of a pixel, levels of 255", ylabel=f"right answers of {images} images", ylim=(0, 1))
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.legend(frameon=False)
    quiet(axis)
    return figure
