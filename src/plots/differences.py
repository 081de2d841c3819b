"""Effects of several changes: one line per change, with a difference and its interval."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from .style import quiet

SURE, UNSURE = "#2a6f97", "0.6"


class Difference(NamedTuple):
    """One change.

    Attributes:
        what: what was changed.
        before: its old value.
        after: its new value.
        mean: the difference, after minus before.
        low: lower end of its interval, if there is one.
        high: upper end.
    """

    what: str
    before: str
    after: str
    mean: float
    low: float | None
    high: float | None


def differences_figure(changes: Sequence[Difference], label: str) -> Figure:
    """Points with intervals; those whose interval does not contain zero are blue.

    Args:
        changes: from top to bottom; only the first of several with the same `what` is labelled.
        label: of the differences.
    """
    figure = Figure(figsize=(9, 0.8 + 0.36 * len(changes)), layout="constrained")
    axis = figure.subplots()
    for place, change in enumerate(changes):
        sure = change.low is not None and change.high is not None and change.low * change.high > 0
        color = SURE if sure else UNSURE
        if change.low is not None and change.high is not None:
            axis.plot([change.low, change.high], [place, place], color=color, linewidth=2, solid_capstyle="butt")
        axis.plot(change.mean, place, "o", color=color, markersize=6)
    axis.axvline(0, color="0.3", linewidth=1, zorder=0)
    names = [
        f"{'' if place and changes[place - 1].what == one.what else one.what + ':  '}{one.before} → {one.after}"
        for place, one in enumerate(changes)
    ]
    axis.set_yticks(range(len(changes)), names)
    axis.set(xlabel=label, ylim=(len(changes) - 0.5, -0.5))
    axis.tick_params(axis="y", length=0)
    quiet(axis)
    axis.spines["left"].set_visible(False)
    return figure
