"""Common style of the figures."""

from matplotlib.axes import Axes

SIGNED = "RdBu_r"
"""Colours of values around zero: red above, blue below, white at zero."""


def quiet(axis: Axes) -> None:
    """A faint grid, without the frame lines at the top and the right."""
    axis.grid(alpha=0.25)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def bare(axis: Axes) -> None:
    """A picture without ticks and frame."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
