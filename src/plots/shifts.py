"""Equivariance and invariance under shifts, as curves and as maps (chapter Figs 3 and 4)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from .style import SIGNED, bare, quiet

Curves = Mapping[str, Sequence[float]]


class Moved(NamedTuple):
    """One layer's map of an image, before and after the image moves.

    Attributes:
        name: of the layer.
        before: its map.
        shifted: the same map, moved.
        after: its map of the moved image.
    """

    name: str
    before: Float[np.ndarray, "h w"]
    shifted: Float[np.ndarray, "h w"]
    after: Float[np.ndarray, "h w"]


def shift_curves(gaps: Curves, changes: Curves) -> Figure:
    """Two panels over the shift in pixels: distance from equivariance, and change of the output.

    A layer that is in both has one colour.
    """
    figure = Figure(figsize=(10.4, 4), layout="constrained")
    names = list(dict.fromkeys([*gaps, *changes]))
    colors = {name: f"C{number}" for number, name in enumerate(names)}
    titles = {
        "equivariance: distance of the moved image's map\nfrom the moved map": gaps,
        "invariance: change of the output": changes,
    }
    for axis, (title, curves) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for name, values in curves.items():
            axis.plot(
                values, "o-", label=name, color=colors[name], markersize=4, linewidth=1.6, clip_on=False, zorder=3
            )
        axis.set(xlabel="shift (pixels)", ylim=(0, None), xlim=(0, len(next(iter(curves.values()))) - 1))
        axis.set_title(title, fontsize=11)
        quiet(axis)
    figure.axes[0].set_ylabel("relative to the norm of the output")
    figure.legend(*_handles(figure), loc="outside right center", frameon=False)
    return figure


def shift_maps(image: Float[np.ndarray, "h w"], pixels: int, rows: Sequence[Moved]) -> Figure:
    """Image and shifted image on top; below, each layer's maps and their difference, zero for an equivariant layer."""
    heads = ("$f(x)$", "$f(x)$, moved", "$f(\\mathrm{moved}\\ x)$", "difference")
    figure = Figure(figsize=(9.6, 1.5 * (1 + len(rows))), layout="constrained")
    axes = figure.subplots(1 + len(rows), len(heads), squeeze=False)
    for axis in axes.flat:
        bare(axis)
    moved = np.roll(image, pixels, axis=1)
    for axis, picture, title in ((axes[0, 0], image, "$x$"), (axes[0, 2], moved, f"$x$ moved by {pixels} pixels")):
        axis.imshow(picture, cmap="gray")
        axis.set_title(title, fontsize=10)
    for line, row in zip(axes[1:], rows, strict=True):
        largest = row.before.max()
        difference = row.after - row.shifted
        for axis, picture, head in zip(line, (row.before, row.shifted, row.after), heads, strict=False):
            axis.imshow(picture, cmap="magma", vmin=0, vmax=largest)
            axis.set_title(head if row is rows[0] else "", fontsize=10)
        line[3].imshow(difference, cmap=SIGNED, vmin=-largest, vmax=largest)
        line[3].spines[:].set(visible=True, color="0.8")
        line[3].set_title(f"difference: at most {np.abs(difference).max():.2g}", fontsize=9)
        line[0].set_ylabel(row.name.replace(", ", "\n"), fontsize=9)
    return figure


def _handles(figure: Figure) -> tuple[list[Artist], list[str]]:
    """Every layer once, in the order of the panels."""
    found: dict[str, Artist] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
