"""Points of a line or a plane, and the order of their measurement."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64


def grid(axes: Sequence[Float64[np.ndarray, "_"]]) -> Float32[np.ndarray, "n d"]:
    """All points of a grid, the last direction fastest."""
    return np.array(list(itertools.product(*axes)), np.float32)


def coarse_to_fine(axes: Sequence[Float64[np.ndarray, "_"]]) -> list[int]:
    """All points of a grid, starting at its centre; each next one is farthest from those before (Gonzalez 1985)."""
    steps = [np.linspace(-1, 1, len(axis)) for axis in axes]
    points = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, len(axes))
    order = [int((points**2).sum(axis=1).argmin())]
    distance = np.full(len(points), np.inf)
    while len(order) < len(points):
        distance = np.minimum(distance, ((points - points[order[-1]]) ** 2).sum(axis=1))
        order.append(int(distance.argmax()))
    return order
