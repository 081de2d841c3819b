"""Trials of a search and their scores."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .style import quiet

State = Literal["complete", "pruned", "failed"]

COLORS = colormaps["viridis_r"]
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
"""Background of numbers on a line."""
LEGEND: dict[State, str] = {"complete": "#3b528b", "pruned": "0.75", "failed": "#e07a5f"}


class Tried(NamedTuple):
    """One trial of a search.

    Attributes:
        state: how it ended.
        score: the last one; None if it failed.
        values: of the searched settings, in the order of the axes.
    """

    state: State
    score: float | None
    values: Sequence[float]


class AxisScale(NamedTuple):
    """The axis of a searched setting, or of the score."""

    name: str
    low: float
    high: float
    log: bool = False

    def height(self, value: float) -> float:
        """The position of a value between the ends, from 0 to 1."""
        low, high, value = np.log([self.low, self.high, value]) if self.log else (self.low, self.high, value)
        return float((value - low) / (high - low)) if high > low else 0.5

    def ticks(self) -> list[float]:
        """Powers of ten, or five equidistant values if there are fewer than two."""
        if not self.log:
            return np.linspace(self.low, self.high, 5).tolist()
        first, last = np.ceil(np.log10(self.low)), np.floor(np.log10(self.high))
        spaced = 10.0 ** np.arange(first, last + 1) if last > first else np.geomspace(self.low, self.high, 5)
        return spaced.tolist()


def parallel_coordinates(trials: Sequence[Tried], searched: Sequence[AxisScale], score: str) -> Figure:
    """A line per trial through its settings, ending at its score; better trials are darker.

    Args:
        trials: at least one of them complete.
        searched: axes of the searched settings.
        score: what it is called.
    """
    figure = Figure(figsize=(2.4 + 2.6 * len(searched), 4.6), layout="constrained")
    axis = figure.subplots()
    scores = [trial.score for trial in trials if trial.score is not None]
    scales = [*searched, AxisScale(score, min(scores), max(scores))]
    complete = [trial.score for trial in trials if trial.state == "complete" and trial.score is not None]
    shade = Normalize(min(complete), max(complete))
    for trial in sorted(trials, key=lambda trial: (trial.state == "complete", trial.score or 0)):
        values = [*trial.values, *(() if trial.score is None else (trial.score,))]
        heights = [scale.height(value) for scale, value in zip(scales, values, strict=False)]
        width = 1.8 if trial.state == "complete" else 1
        axis.plot(heights, color=_color(trial, shade), linewidth=width, marker="o", markersize=4)
    for place, scale in enumerate(scales):
        _upright(axis, place, scale)
    axis.set(xlim=(-0.3, len(searched) + 0.1), ylim=(-0.02, 1.02))
    axis.axis("off")
    lines = {state: Line2D([], [], color=color) for state, color in LEGEND.items()}
    met = [state for state in lines if any(trial.state == state for trial in trials)]
    figure.legend([lines[state] for state in met], met, loc="outside lower center", ncols=len(met), frameon=False)
    return figure


def search_history(trials: Sequence[Tried], score: str, recipe: float | None) -> Figure:
    """Scores by trial, and the best so far.

    Args:
        trials: in their order.
        score: what it is called.
        recipe: the score of the recipe, if it is known.
    """
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    for state, marker, color in (("complete", "o", "C0"), ("pruned", "x", "0.5")):
        points = [(number, trial.score) for number, trial in enumerate(trials) if trial.state == state]
        if points:
            axis.scatter(*zip(*points, strict=True), marker=marker, color=color, label=state, zorder=2)
    for number, trial in enumerate(trials):
        if trial.state == "failed":
            axis.axvline(number, color="C3", linestyle=":", linewidth=1)
            axis.text(number, 0.02, "failed", color="C3", rotation=90, ha="right", transform=axis.get_xaxis_transform())
    complete = np.array([np.nan if trial.state != "complete" else trial.score for trial in trials], float)
    axis.step(range(len(trials)), np.fmax.accumulate(complete), where="post", color="C0", label="best so far")
    if recipe is not None:
        axis.axhline(recipe, color="0.3", linestyle="--", linewidth=1, label="recipe", zorder=0)
    axis.set(xlabel="trial", ylabel=score)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False)
    quiet(axis)
    return figure


def _color(trial: Tried, shade: Normalize) -> str | tuple[float, ...]:
    """The colour of a trial; better complete trials are darker."""
    if trial.state != "complete" or trial.score is None:
        return LEGEND[trial.state]
    return COLORS(0.2 + 0.8 * float(shade(trial.score)))


def _upright(axis: Axes, place: int, scale: AxisScale) -> None:
    """A vertical axis with its name above it."""
    axis.plot([place, place], [0, 1], color="0.3", linewidth=0.8, zorder=0)
    axis.text(place, 1.05, scale.name, ha="center", va="bottom")
    for value in scale.ticks():
        height = scale.height(value)
        axis.plot([place - 0.02, place], [height, height], color="0.3", linewidth=0.8)
        axis.text(place - 0.04, height, f"{value:.3g}", ha="right", va="center", fontsize=8.5, color="0.3", bbox=PAPER)
