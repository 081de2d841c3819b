"""Scalar summaries of a surface: the width of its valley, and its non-convexity."""

import numpy as np
from jaxtyping import Bool, Float64

from ..config.errors import UserError
from .surface import Surface

ALONG = ((1, 0), (0, 1), (1, 1), (1, -1))
"""Grid directions along which convexity is checked."""

ROUNDING = 1e-5
"""Relative error of sums in float32."""


def share_below(surface: Surface, name: str, level: float) -> float:
    """The share of grid points with a value below a level; values that are not finite are not below."""
    return float(np.mean(surface.value(name) < level))


def nonconvex_share(surface: Surface, name: str) -> float:
    """The share of inner points of a plane that lie above the chord between two neighbours, which disproves convexity.

    The neighbours are those along the rows, the columns and the diagonals of the grid. If the plane is not convex,
    neither is the loss (Li et al. 2018, section 6); the converse does not hold, and noise makes any plane look
    non-convex. Points next to a value that is not finite are left out.

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
    """Second differences of the inner points along a grid direction."""
    height, width = (length - 2 for length in values.shape)

    def moved(by: int) -> Float64[np.ndarray, "_ _"]:
        top, left = 1 + by * rows, 1 + by * columns
        return values[top : top + height, left : left + width]

    return moved(-1) - 2 * moved(0) + moved(1)


def _check_even(surface: Surface) -> None:
    for name, steps in zip(("alpha", "beta"), surface.plane(), strict=True):
        if len(steps) < 3 or not np.allclose(np.diff(steps), np.diff(steps).mean()):
            raise UserError(f"the surface '{surface.title}' needs three or more even steps along {name}")
