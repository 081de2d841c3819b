"""Matching, average precision and confusion: cases worked by hand, plain loops, and another library."""

import contextlib
import io

import numpy as np
import pytest

from src.detection.matching import FALSE, IGNORED, NOTHING, Truth, matched
from src.detection.precision import (
    ELEVEN,
    HUNDRED_AND_ONE,
    Curve,
    average_precision,
    confusion,
    curves,
    mean_average_precision,
)
from src.detection.suppression import Detections
from tests.detection import loops

A, B, FAR = (0, 0, 10, 10), (20, 20, 30, 30), (50, 50, 60, 60)
NEAR_A, HALF_A = (0, 0, 10, 9), (0, 0, 10, 5)


def truth(*images, most=3):
    """Images of (box, label) or (box, label, difficult)."""
    shape = (len(images), most)
    made = Truth(np.zeros((*shape, 4), int), np.zeros(shape, int), np.zeros(shape, bool), np.zeros(shape, bool))
    for image, objects in enumerate(images):
        for number, (box, label, *difficult) in enumerate(objects):
            made.box[image, number], made.label[image, number], made.present[image, number] = box, label, True
            made.difficult[image, number] = bool(difficult)
    return made


def found(*images, most=5):
    """Images of (box, label, score)."""
    shape = (len(images), most)
    made = Detections(np.zeros((*shape, 4)), np.zeros(shape, int), np.zeros(shape))
    for image, objects in enumerate(images):
        for number, (box, label, score) in enumerate(objects):
            made.box[image, number], made.label[image, number], made.score[image, number] = box, label, score
    return made


def test_every_kind_of_match_by_hand():
    there = truth([(A, 0), (B, 1)], [(A, 1, "difficult"), (B, 1)], [])
    said = found(
        [(NEAR_A, 0, 0.7), (A, 0, 0.9), (B, 0, 0.8), (HALF_A, 0, 0.6)], [(A, 1, 0.5), (NEAR_A, 1, 0.4)], [(A, 0, 0.3)]
    )
    assert matched(said, there, 0.5).tolist() == [
        [FALSE, 0, FALSE, FALSE, NOTHING],  # the surer one has the box; the class is wrong; exactly half is too little
        [IGNORED, IGNORED, NOTHING, NOTHING, NOTHING],  # however often it is found
        [FALSE, NOTHING, NOTHING, NOTHING, NOTHING],
    ]
    assert matched(said, there, 0.4).tolist()[0] == [FALSE, 0, FALSE, FALSE, NOTHING]
    assert matched(said, there, 0.5, of_class=False).tolist()[0] == [FALSE, 0, 1, FALSE, NOTHING]
    assert there.counts(2).tolist() == [1, 2]


def test_a_detection_is_of_the_box_that_it_overlaps_most_even_if_that_is_taken():
    beside = (0, 4, 10, 14)
    there = truth([(A, 0), (beside, 0)])
    said = found([(A, 0, 0.9), ((0, 1, 10, 11), 0, 0.8)])  # COCO would give it the other one at .5
    assert matched(said, there, 0.5).tolist() == [[0, FALSE, NOTHING, NOTHING, NOTHING]]


def test_average_precision_by_hand():
    """Two of four objects are found, by the first and the third detection."""
    there = truth([(A, 0), (B, 0), (FAR, 0)], [(A, 0)])
    said = found([(A, 0, 0.9), ((0, 30, 10, 40), 0, 0.8), (B, 0, 0.7)], [])
    matches = matched(said, there, 0.5)
    (curve,) = curves(said, matches, there, 1)
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(curve.recall, [1 / 4, 1 / 4, 1 / 2])
    assert average_precision(curve) == pytest.approx(1 / 4 + 1 / 4 * 2 / 3)
    assert average_precision(curve, ELEVEN) == pytest.approx((3 * 1 + 3 * 2 / 3) / 11)  # at 0, .1, .2 and .3, .4, .5


def test_a_recall_that_is_reached_counts():
    """Three tenths are .3; 3 times a step of .1 is a little more in floating point."""
    curve = Curve(np.array([0.9, 0.8, 0.7]), np.ones(3), np.array([1, 2, 3]) / 10)
    assert average_precision(curve, ELEVEN) == pytest.approx(4 / 11)


def test_nothing_found_and_nothing_there():
    there, nothing = truth([(A, 0)]), found([])
    matches = matched(nothing, there, 0.5)
    own = curves(nothing, matches, there, 2)
    assert own[1] is None
    assert (average_precision(own[0]), average_precision(own[0], ELEVEN)) == (0, 0)
    assert mean_average_precision(own) == 0
    empty = truth([], most=0)
    assert np.isnan(mean_average_precision(curves(nothing, matched(nothing, empty, 0.5), empty, 2)))
    assert matched(found([(A, 0, 0.5)]), empty, 0.5).tolist() == [[FALSE, *[NOTHING] * 4]]
    assert confusion(nothing, matches, there, 2, 0.0).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_which_is_taken_for_which():
    there = truth([(A, 0), (B, 1)], [(A, 1), (FAR, 0, "difficult")])
    said = found([(A, 0, 0.9), (B, 0, 0.8), (FAR, 1, 0.7)], [(A, 1, 0.1), (FAR, 0, 0.9)])
    sure = said._replace(score=np.where(said.score > 0.5, said.score, 0))
    table = confusion(sure, matched(sure, there, 0.5, of_class=False), there, 2, 0.5)
    assert table.tolist() == [
        [1, 0, 0],
        [1, 0, 1],  # one is taken for the other class, one is missed, for its detection is too unsure
        [0, 1, 0],
    ]


def random_scenes(seed, images=40, classes=3, most=6, detections=12):
    """Objects, and detections near to them or anywhere; several of one object, and some difficult ones."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 60, (images, most, 2))
    boxes = np.concatenate([first, first + rng.uniform(5, 40, (images, most, 2))], -1)
    present = rng.random((images, most)) < 0.7
    there = Truth(boxes, rng.integers(0, classes, (images, most)), present, rng.random((images, most)) < 0.15)
    chosen = rng.integers(0, most, (images, detections))
    near = np.take_along_axis(boxes, chosen[..., None], 1) + rng.normal(0, 3, (images, detections, 4))
    labels = np.take_along_axis(there.label, chosen, 1)
    labels = np.where(rng.random(labels.shape) < 0.15, rng.integers(0, classes, labels.shape), labels)
    scores = np.sort(rng.permutation(images * detections).reshape(images, detections) + 1.0)[:, ::-1]
    return Detections(near, labels, scores / scores.max()), there


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("overlap", [0.3, 0.5, 0.7])
def test_average_precision_is_that_of_the_loop(seed, overlap):
    said, there = random_scenes(seed)
    own = curves(said, matched(said, there, overlap), there, 3)
    tenths = [tenth / 10 for tenth in range(11)]
    for label in range(3):
        listed = [
            (image, said.score[image, n], said.box[image, n].tolist())
            for image, n in zip(*np.nonzero(said.label == label), strict=True)
        ]
        objects = [
            (image, there.box[image, n].tolist(), there.difficult[image, n])
            for image, n in zip(*np.nonzero(there.present & (there.label == label)), strict=True)
        ]
        points, count = loops.voc_points(listed, objects, overlap)
        assert 0 < sum(points) < len(points)
        assert average_precision(own[label]) == pytest.approx(loops.average_precision(points, count), rel=1e-9)
        expected = loops.average_precision(points, count, tenths)
        assert average_precision(own[label], ELEVEN) == pytest.approx(expected, rel=1e-9)


def coco_scores(said, there, classes):
    """AP at .5 of COCO's own rules for each class, by faster-coco-eval."""
    library = pytest.importorskip("faster_coco_eval", reason="faster-coco-eval is not installed")

    def across(box):
        return [float(value) for value in (box[1], box[0], box[3] - box[1], box[2] - box[0])]

    objects = [
        {"image_id": int(image), "category_id": int(there.label[image, n]), "bbox": across(there.box[image, n]),
         "area": float(np.prod(across(there.box[image, n])[2:])), "iscrowd": 0}
        for image, n in zip(*np.nonzero(there.present), strict=True)
    ]  # fmt: skip
    listed = [
        {"image_id": int(image), "category_id": int(said.label[image, n]), "bbox": across(said.box[image, n]),
         "score": float(said.score[image, n])}
        for image, n in zip(*np.nonzero(said.score > 0), strict=True)
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        own = library.COCO(
            {
                "images": [{"id": number, "width": 100, "height": 100} for number in range(len(there.box))],
                "categories": [{"id": number, "name": str(number)} for number in range(classes)],
                "annotations": [each | {"id": number + 1} for number, each in enumerate(objects)],
            }
        )
        scored = library.COCOeval_faster(own, own.loadRes(listed), "bbox")
        scored.params.iouThrs = np.array([0.5])
        scored.evaluate()
        scored.accumulate()
    return scored.eval["precision"][0, :, :, 0, -1].mean(0)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_agrees_with_faster_coco_eval(seed):
    """Where true boxes do not overlap, COCO's rule of matching is VOC's; its curve is read at 101 recalls."""
    said, there = random_scenes(seed)
    places = np.stack(np.meshgrid([0, 50], [0, 40, 80], indexing="ij"), -1).reshape(6, 2)
    far = places + 20 + 10 * np.random.default_rng(seed).random((40, 6, 2))
    box = np.concatenate([np.broadcast_to(places, far.shape), far], -1)
    moved = box - there.box  # the detections move along with the box that they are next to
    nearest = np.abs(said.box[:, :, None] - there.box[:, None]).sum(-1).argmin(-1)
    said = said._replace(box=said.box + np.take_along_axis(moved, nearest[..., None], 1))
    there = there._replace(box=box, difficult=np.zeros_like(there.present))
    own = curves(said, matched(said, there, 0.5), there, 3)
    expected = coco_scores(said, there, 3)
    assert 0.2 < expected.min() < expected.max() < 0.95
    np.testing.assert_allclose([average_precision(each, HUNDRED_AND_ONE) for each in own], expected, rtol=1e-9)
