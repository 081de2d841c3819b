"""Connections that share weights, and their contributions to the gradient."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import bare

COLORS = ("#e76f51", "#2a6f97", "#588157", "#9d4edd")
"""One for each weight of the filter."""


def sharing_figure(
    inputs: Sequence[float],
    signals: Sequence[float],
    terms: Float[np.ndarray, "size places"],
    gradient: Sequence[float],
) -> Figure:
    """A small convolution as a network: inputs below, gradients of its outputs above, one colour a weight.

    Args:
        inputs: z.
        signals: δ, the gradients of the loss with respect to the outputs.
        terms: z δ of each connection, for each weight.
        gradient: of each weight, from the convolution itself.
    """
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    network, sums = figure.subplots(2, 1, height_ratios=[3, 1])
    _network(network, inputs, signals, terms)
    _sums(sums, terms, gradient)
    return figure


def _network(
    axis: Axes, inputs: Sequence[float], signals: Sequence[float], terms: Float[np.ndarray, "size places"]
) -> None:
    size, places = terms.shape
    middle = (size - 1) / 2
    for weight in range(size):
        for place in range(places):
            start, end = np.array([place + weight, 0.0]), np.array([place + middle, 2.0])
            x, y = 0.42 * start + 0.58 * end
            axis.plot(*zip(start, end, strict=True), color=COLORS[weight], linewidth=2.2, zorder=1)
            _boxed(axis, x, y, f"{terms[weight, place]:g}", "white", color=COLORS[weight], fontsize=10)
    for number, value in enumerate(inputs, 1):
        _boxed(axis, number - 1.0, 0.0, f"$z_{number}$\n{value:g}", "0.93", edge="0.4", fontsize=11)
    for number, value in enumerate(signals, 1):
        _boxed(axis, number - 1 + middle, 2.0, f"$\\delta_{number}$\n{value:g}", "#fff3c4", edge="0.4", fontsize=11)
    axis.set(xlim=(-0.5, len(inputs) - 0.5), ylim=(-0.4, 2.4))
    bare(axis)


def _boxed(
    axis: Axes,
    x: float,
    y: float,
    text: str,
    background: str,
    *,
    edge: str = "none",
    color: str = "black",
    fontsize: int,
) -> None:
    """Text in a box, above the lines."""
    box = {"boxstyle": "round,pad=0.25", "facecolor": background, "edgecolor": edge}
    axis.text(x, y, text, color=color, fontsize=fontsize, ha="center", va="center", bbox=box)


def _sums(axis: Axes, terms: Float[np.ndarray, "size places"], gradient: Sequence[float]) -> None:
    """One equation for each weight."""
    size, places = terms.shape
    for weight in range(size):
        products = " + ".join(f"z_{weight + place}\\delta_{place}" for place in range(1, places + 1))
        numbers = " ".join(f"{value:+g}" for value in terms[weight])
        text = f"$\\partial L/\\partial w_{weight + 1} = {products} = {numbers} = {terms[weight].sum():g}$"
        height = 1 - (weight + 0.5) / size
        axis.text(0.02, height, text, color=COLORS[weight], fontsize=13, va="center")
        axis.text(0.99, height, f"jax.grad: {gradient[weight]:g}", fontsize=11, va="center", ha="right", color="0.3")
    axis.set(xlim=(0, 1), ylim=(0, 1))
    bare(axis)
