"""What a surface says in single numbers: how wide its valley is, and how far from convex."""

import numpy as np
from jaxtyping import Bool, Float64

from src.landscape.surface import Surface


def share_below(surface: Surface, name: str, level: float) -> float:
    """The share of the grid's points whose value is below a level; what is not finite is not below."""
    return float(np.mean(surface.value(name) < level))


def nonconvex_share(surface: Surface, name: str) -> float:
    """The share of the inner points of a plane where second differences curve downwards in some direction.

    This is the curvature of the drawn surface, not of the loss in all directions: if a plane is not convex somewhere,
    neither is the loss there (Li et al. 2018, section 6). Points beside a value that is not finite are left out.
    """
    values = surface.value(name).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    rows, columns = _curvature(values, surface.alpha, 0), _curvature(values, _steps(surface), 1)
    mixed = np.gradient(np.gradient(values, surface.alpha, axis=0), _steps(surface), axis=1)
    inner = (slice(1, -1), slice(1, -1))
    trace = (rows + columns)[inner]
    determinant = (rows * columns - mixed**2)[inner]
    smallest = trace / 2 - np.sqrt(np.maximum(trace**2 / 4 - determinant, 0))
    known: Bool[np.ndarray, "n m"] = np.isfinite(smallest)
    return float(np.mean(smallest[known] < 0)) if known.any() else float("nan")


def _curvature(
    values: Float64[np.ndarray, "n m"], steps: Float64[np.ndarray, "_"], axis: int
) -> Float64[np.ndarray, "n m"]:
    """Second differences along an axis, of steps that need not be equal; at the border, that beside it."""
    along = np.moveaxis(values, axis, 0)
    before, after = np.diff(steps)[:-1, None], np.diff(steps)[1:, None]
    slopes = np.diff(along, axis=0) / np.diff(steps)[:, None]
    inner = 2 * np.diff(slopes, axis=0) / (before + after)
    return np.moveaxis(np.concatenate([inner[:1], inner, inner[-1:]]), 0, axis)


def _steps(surface: Surface) -> Float64[np.ndarray, "m"]:
    assert surface.beta is not None
    return surface.beta
