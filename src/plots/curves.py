"""Errors against training steps, in the layout of He et al. 2015, Fig. 6 (chapter Fig. 33), and shares that rise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from .style import quiet


@dataclass(frozen=True)
class Curve:
    """One network's errors in percent.

    Attributes:
        label: in the legend.
        train: steps and training errors, drawn thin.
        held_out: steps and errors on validation or test examples, drawn bold.
    """

    label: str
    train: tuple[Sequence[int], Sequence[float]]
    held_out: tuple[Sequence[int], Sequence[float]]


def error_curves(panels: dict[str, list[Curve]], held_out: str) -> Figure:
    """Draws panels side by side with the same axes.

    Args:
        panels: the curves of each panel, by its title.
        held_out: what the bold curves show, for the axis label.
    """
    figure = Figure(figsize=(4.6 * len(panels), 3.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for number, curve in enumerate(curves):
            color = f"C{number}"
            axis.plot(*curve.train, color=color, linewidth=0.8, linestyle="--", alpha=0.7)
            axis.plot(*curve.held_out, color=color, linewidth=1.8, label=curve.label)
        axis.set(title=title, xlabel="step", ylim=(0, 100))
        axis.legend(loc="lower left", frameon=False)
        quiet(axis)
    axes[0].set_ylabel(f"error (%): {held_out} bold, training dashed")
    return figure


def rising_curves(curves: Mapping[str, tuple[Sequence[int], Sequence[float]]], split: str) -> Figure:
    """Shares in percent over training steps.

    Args:
        curves: steps and shares, by what they are called.
        split: on which they were measured.
    """
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axis = figure.subplots()
    for name, (steps, shares) in curves.items():
        axis.plot(steps, shares, linewidth=1.6, label=name)
    axis.set(xlabel="step", ylabel=f"% ({split})", ylim=(0, 101))
    axis.legend(loc="lower right", frameon=False)
    quiet(axis)
    return figure
