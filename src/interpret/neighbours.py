"""The nearest neighbours of images, in pixels or in the features of a network (chapter Fig. 44)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped

from ..tasks.intervals import wilson_interval

QUERIES, POINTS = 256, 2048
"""How many are compared at a time; a block of distances takes 4 MiB."""


class Nearest(NamedTuple):
    """The nearest points of each query, the nearest first; of equally near ones that with the smaller number.

    Attributes:
        points: their numbers.
        distances: Euclidean.
    """

    points: Int[np.ndarray, "queries k"]
    distances: Float[np.ndarray, "queries k"]


class Rate(NamedTuple):
    """How many queries have the class of their nearest point.

    Attributes:
        rate: a share.
        low: of the 95 % interval (Wilson 1927).
        high: of it.
        queries: their number.
    """

    rate: float
    low: float
    high: float
    queries: int


def nearest(
    queries: Shaped[np.ndarray, "queries ..."],
    points: Shaped[np.ndarray, "points ..."],
    count: int,
    own: Int[np.ndarray, "queries"] | None = None,
) -> Nearest:
    """Searches all points, block by block; memory grows with neither number but for what is returned.

    Args:
        queries: rows of numbers in any shape.
        points: the same.
        count: of neighbours; fewer, if there are no more points.
        own: the number of the point that is the query itself and therefore none of its neighbours; none if negative.
    """
    own = np.full(len(queries), -1) if own is None else own
    count = min(count, len(points) - bool((own >= 0).any()))
    blocks = [_of_block(queries[at : at + QUERIES], points, count, own[at : at + QUERIES]) for at in _starts(queries)]
    squares, numbers = (np.concatenate(each) for each in zip(*blocks, strict=True))
    return Nearest(numbers, np.sqrt(squares))


def _starts(queries: Shaped[np.ndarray, "queries ..."]) -> range:
    return range(0, len(queries), QUERIES)


def _of_block(queries: np.ndarray, points: np.ndarray, count: int, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest squared distances of some queries, and the numbers of the points."""
    rows = _rows(queries)
    best, numbers = np.full((len(rows), count), np.inf), np.full((len(rows), count), -1)
    for first in range(0, len(points), POINTS):
        block = _rows(points[first : first + POINTS])
        # In double precision, so that pixels are compared exactly and float32 features nearly so.
        squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ block.T + (block**2).sum(axis=1)
        here = np.arange(first, first + len(block))
        squares = np.where(here == own[:, None], np.inf, np.maximum(squares, 0))
        every = np.concatenate([best, squares], axis=1)
        named = np.concatenate([numbers, np.broadcast_to(here, squares.shape)], axis=1)
        order = np.argsort(every, axis=1, kind="stable")[:, :count]
        best, numbers = np.take_along_axis(every, order, axis=1), np.take_along_axis(named, order, axis=1)
    return best, numbers


def _rows(values: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n m"]:
    return np.asarray(values, np.float64).reshape(len(values), -1)


def same_class_rate(
    found: Nearest, of_queries: Integer[np.ndarray, "queries"], of_points: Integer[np.ndarray, "points"]
) -> Rate:
    """How often the nearest point has the class of the query."""
    same = int((of_points[found.points[:, 0]] == of_queries).sum())
    return Rate(same / len(of_queries), *wilson_interval(same, len(of_queries)), len(of_queries))
