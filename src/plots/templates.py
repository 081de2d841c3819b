"""Templates of a linear network, and how they match images (chapter Figs 1 and 2)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import SIGNED, bare

WINNER = "#c1121f"
EDGE = "0.8"


class Match(NamedTuple):
    """An image and its products with every template.

    Attributes:
        image: the image.
        label: its class.
        products: contribution of each pixel to the score of each class.
        scores: of each class.
    """

    image: UInt8[np.ndarray, "h w c"]
    label: int
    products: Float[np.ndarray, "classes h w"]
    scores: Float[np.ndarray, "classes"]


def template_figure(
    weights: Float[np.ndarray, "classes h w c"],
    biases: Float[np.ndarray, "classes"],
    names: Sequence[str],
    matches: Sequence[Match],
) -> Figure:
    """The templates in the first row; below, an image in each row and its products with them.

    Weights and products are blue below zero and red above; templates of colour images have colours around grey.
    """
    columns = len(names) + 1
    rows = 1 + len(matches)
    figure = Figure(figsize=(1.15 * columns, 1.62 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        bare(axis)
    axes[0, 0].text(0.5, 0.5, "templates\n$W_k$", ha="center", va="center", transform=axes[0, 0].transAxes)
    largest = np.abs(weights).max()
    for axis, template, bias, name in zip(axes[0, 1:], weights, biases, names, strict=True):
        _template(axis, template, largest)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel(f"$B$ = {bias:+.2f}", fontsize=8)
    for row, match in zip(axes[1:], matches, strict=True):
        _match(list(row), match, names)
    return figure


def _template(axis: Axes, template: Float[np.ndarray, "h w c"], largest: float) -> None:
    """One channel on the common scale of all templates; three channels scaled to the full range of this template."""
    _frame(axis, EDGE, 0.8)
    if template.shape[-1] == 1:
        axis.imshow(template[..., 0], cmap=SIGNED, vmin=-largest, vmax=largest)
    else:
        axis.imshow(0.5 + template / (2 * np.abs(template).max()))


def _match(row: Sequence[Axes], match: Match, names: Sequence[str]) -> None:
    """An image and its product with each template; the class of the highest score is framed."""
    image = match.image
    row[0].imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray_r", vmin=0, vmax=255)
    _frame(row[0], EDGE, 0.8)
    row[0].set_title(f"$X$: {names[match.label]}", fontsize=10)
    largest, best = np.abs(match.products).max(), match.scores.argmax()
    for k, axis in enumerate(row[1:]):
        axis.imshow(match.products[k], cmap=SIGNED, vmin=-largest, vmax=largest)
        won = k == best
        _frame(axis, WINNER if won else EDGE, 2.0 if won else 0.8)
        color, weight = (WINNER, "bold") if won else ("black", "normal")
        axis.set_xlabel(f"{match.scores[k]:+.1f}", fontsize=9, color=color, fontweight=weight)
    row[0].set_xlabel("$X{\\cdot}W_k + B_k$ →", fontsize=8)


def _frame(axis: Axes, color: str, width: float) -> None:
    axis.spines[:].set(visible=True, color=color, linewidth=width)
