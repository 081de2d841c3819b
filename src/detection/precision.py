"""How well objects are found: precision at every recall, average precision, and which classes are taken for which."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .matching import FALSE, IGNORED, Truth
from .suppression import Detections

ELEVEN, HUNDRED_AND_ONE = 11, 101
"""Equally spaced recalls of VOC up to 2009, and of COCO."""


class Curve(NamedTuple):
    """Precision and recall of a class, as more and more detections are taken, the surest first.

    Attributes:
        score: of the last detection that is taken.
        precision: share of the detections that are right.
        recall: share of the objects that are found.
    """

    score: Float[np.ndarray, "n"]
    precision: Float[np.ndarray, "n"]
    recall: Float[np.ndarray, "n"]


def curves(found: Detections, matches: Int[np.ndarray, "b d"], truth: Truth, classes: int) -> list[Curve | None]:
    """The curve of each class; None for one of which there is nothing to be found.

    Args:
        found: what was detected.
        matches: `matched` of it.
        truth: what is there.
        classes: how many there are.
    """
    counted = matches >= FALSE
    labels, scores, right = np.asarray(found.label)[counted], np.asarray(found.score)[counted], matches[counted] >= 0
    return [
        _curve(scores[labels == label], right[labels == label], int(count)) if count else None
        for label, count in enumerate(truth.counts(classes))
    ]


def _curve(scores: Float[np.ndarray, "n"], right: np.ndarray, there: int) -> Curve:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    return Curve(scores[order], hits / np.arange(1, len(order) + 1), hits / there)


def average_precision(curve: Curve, points: int | None = None) -> float:
    """The area below a curve whose precision is made the best at the same or a higher recall.

    Args:
        curve: of a class.
        points: the mean at so many equally spaced recalls from 0 to 1 in its place: `ELEVEN` as in VOC up to 2009.
    """
    best = np.maximum.accumulate(curve.precision[::-1])[::-1]
    if points is None:
        return float(np.sum(np.diff(curve.recall, prepend=0) * best))
    places = np.searchsorted(curve.recall, np.arange(points) / (points - 1))  # 3 of 10 is .3, which linspace's is not
    return float(np.append(best, 0)[places].mean())


def mean_average_precision(of_classes: list[Curve | None], points: int | None = None) -> float:
    """The mean over the classes of which there is something to be found; NaN if there are none."""
    each = [average_precision(curve, points) for curve in of_classes if curve is not None]
    return float(np.mean(each)) if each else float("nan")


def confusion(
    found: Detections, matches: Int[np.ndarray, "b d"], truth: Truth, classes: int, least: float
) -> Int[np.ndarray, "c1 c1"]:
    """How many objects of each class (rows) were taken for each (columns).

    The last row has the detections of nothing, the last column the objects that were missed.

    Args:
        found: what was detected.
        matches: `matched` of what scores more than `least`, with `of_class=False`.
        truth: what is there.
        classes: how many there are.
        least: scores at or below it are left out.
    """
    table = np.zeros((classes + 1, classes + 1), int)
    sure = (found.score > least) & (matches > IGNORED)
    image, place = np.nonzero(sure)
    match = matches[image, place]
    rows = np.where(match >= 0, truth.label[image, match], classes) if truth.label.shape[1] else match * 0 + classes
    np.add.at(table, (rows, found.label[image, place]), 1)
    table[:classes, classes] = truth.counts(classes) - table[:classes, :classes].sum(1)
    return table
