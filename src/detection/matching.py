"""Which objects were found: every detection is given to one true box, or to none. Everything else is counted from it.

Everingham et al. 2010: The PASCAL Visual Object Classes (VOC) Challenge, section 4.2. On the host, in NumPy.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from .boxes import ious
from .suppression import Detections

FALSE, IGNORED, NOTHING = -1, -2, -3
"""In place of a true box: of none; of one that does not count; no detection at all, where an image has no more."""


class Truth(NamedTuple):
    """The objects of images.

    Attributes:
        box: of each.
        label: its class.
        present: false where an image has no more.
        difficult: those that count neither as found nor as missed.
    """

    box: Num[np.ndarray, "b k 4"]
    label: Int[np.ndarray, "b k"]
    present: Bool[np.ndarray, "b k"]
    difficult: Bool[np.ndarray, "b k"]

    def counts(self, classes: int) -> Int[np.ndarray, "c"]:
        """How many objects of each class there are to be found."""
        return np.bincount(self.label[self.present & ~self.difficult], minlength=classes)


def matched(found: Detections, truth: Truth, overlap: float, *, of_class: bool = True) -> Int[np.ndarray, "b d"]:
    """The number of the true box of each detection within its image.

    A detection belongs to the box of the image that it overlaps most, if that is more than `overlap`. The surest one is
    right, and the others that belong to the same box are false.

    Args:
        found: what was detected.
        truth: what is there.
        overlap: intersection over union that it takes.
        of_class: whether a detection belongs to boxes of its own class alone.
    """
    boxes, labels, scores = map(np.asarray, found)
    candidates = np.broadcast_to(truth.present[:, None], (*labels.shape, truth.present.shape[1]))
    if of_class:
        candidates = candidates & (labels[..., None] == truth.label[:, None])
    shared = np.where(candidates, ious(boxes[:, :, None], truth.box[:, None]), -1.0)
    if not shared.shape[-1]:
        return np.where(scores > 0, FALSE, NOTHING)
    best = shared.argmax(-1)
    close = np.take_along_axis(shared, best[..., None], -1)[..., 0] > overlap
    result = np.where(close, best, FALSE)
    result[close & np.take_along_axis(truth.difficult, best, 1)] = IGNORED
    result[scores <= 0] = NOTHING
    return _first_alone(result, scores)


def _first_alone(result: Int[np.ndarray, "b d"], score: Float[np.ndarray, "b d"]) -> Int[np.ndarray, "b d"]:
    """Leaves every true box to the surest of its detections."""
    order = np.argsort(-score, axis=1, kind="stable")
    given = np.take_along_axis(result, order, 1)
    images = np.broadcast_to(np.arange(len(given))[:, None], given.shape)
    keys = np.where(given >= 0, images * (given.max(initial=0) + 1) + given, -1).ravel()
    first = np.zeros(keys.shape, bool)
    first[np.unique(keys, return_index=True)[1]] = True
    alone = np.where((given >= 0) & ~first.reshape(given.shape), FALSE, given)
    np.put_along_axis(result, order, alone, 1)
    return result
