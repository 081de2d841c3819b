"""What a surface says in single numbers: how wide its valley is, and how far from convex."""

import numpy as np
from jaxtyping import Bool, Float64

from ..config.errors import UserError
from .surface import Surface

ALONG = ((1, 0), (0, 1), (1, 1), (1, -1))
"""Directions of the grid in which a point has neighbours on both sides."""

ROUNDING = 1e-5
"""Part of a value by which sums in float32 may be off."""


def share_below(surface: Surface, name: str, level: float) -> float:
    """The share of the grid's points whose value is below a level; what is not finite is not below."""
    return float(np.mean(surface.value(name) < level))


def nonconvex_share(surface: Surface, name: str) -> float:
    """The share of the inner points of a plane that prove it not convex: they lie above a chord to two neighbours.

    The neighbours are those on both sides along the rows, the columns and the diagonals of the grid. Where the plane is
    not convex, neither is the loss (Li et al. 2018, section 6); the other way round nothing is proved, and noise makes
    any plane look rough. Points beside a value that is not finite are left out.

    Raises:
        UserError: the surface is a line, has fewer than three steps along a direction, or steps of different lengths.
    """
    _check_even(surface)
    values = surface.value(name).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    bends = np.stack([_second_differences(values, *direction) for direction in ALONG])
    known: Bool[np.ndarray, "n m"] = np.isfinite(bends).all(axis=0)
    below: Bool[np.ndarray, "n m"] = np.any(bends < -ROUNDING * np.abs(values[1:-1, 1:-1]), axis=0)
    return float(below[known].mean()) if known.any() else float("nan")


def _second_differences(values: Float64[np.ndarray, "n m"], rows: int, columns: int) -> Float64[np.ndarray, "n-2 m-2"]:
    """Of each inner point with its neighbours along a direction of the grid."""
    height, width = (length - 2 for length in values.shape)

    def moved(by: int) -> Float64[np.ndarray, "_ _"]:
        top, left = 1 + by * rows, 1 + by * columns
        return values[top : top + height, left : left + width]

    return moved(-1) - 2 * moved(0) + moved(1)


def _check_even(surface: Surface) -> None:
    for name, steps in zip(("alpha", "beta"), surface.plane(), strict=True):
        if len(steps) < 3 or not np.allclose(np.diff(steps), np.diff(steps).mean()):
            raise UserError(f"the surface '{surface.title}' needs three or more even steps along {name}")
