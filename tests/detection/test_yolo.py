"""Cells, the published loss and what is read from the outputs, beside plain loops of their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.detection.boxes import in_pixels, in_shares, ious
from src.detection.yolo import Weights, assigned, decoded, losses, parted, responsible
from tests.detection.loops import box_of, cell_of, iou, yolo_loss

GRID, BOXES, CLASSES = 3, 2, 4
WEIGHTS = Weights(5.0, 0.5)


def drawn(seed, images=6, most=5):
    """Outputs near what boxes look like, and objects: in some images none, in some several in one cell."""
    rng = np.random.default_rng(seed)
    outputs = rng.normal(0.4, 0.4, (images, GRID, GRID, 5 * BOXES + CLASSES)).astype(np.float32)
    first = rng.uniform(0, 0.8, (images, most, 2))
    boxes = np.concatenate([first, np.minimum(first + rng.uniform(0.02, 0.6, (images, most, 2)), 1)], -1)
    present = rng.random((images, most)) < 0.6
    present[0] = False
    return outputs, boxes.astype(np.float32), rng.integers(0, CLASSES, (images, most)), present


def objects(boxes, labels, present):
    return [
        [(box.tolist(), int(label)) for box, label, there in zip(*each, strict=True) if there]
        for each in zip(boxes, labels, present, strict=True)
    ]


def test_intersection_over_union_is_that_of_the_loop():
    rng = np.random.default_rng(0)
    boxes = rng.integers(0, 12, (30, 4))  # some end before they begin
    expected = [[iou(a, b) for b in boxes.tolist()] for a in boxes.tolist()]
    np.testing.assert_allclose(ious(boxes[:, None], boxes[None]), expected)
    np.testing.assert_allclose(ious(jnp.asarray(boxes)[:, None], jnp.asarray(boxes)[None]), expected, rtol=1e-6)


def test_by_hand():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 1, 1]])
    others = np.array([[1, 1, 3, 3], [2, 0, 4, 2], [1, 1, 1, 1]])  # a part is shared, they touch, they have no area
    np.testing.assert_allclose(ious(boxes, others), [1 / 7, 0, 0])
    np.testing.assert_allclose(in_shares(np.array([5, 10, 10, 20]), (10, 40)), [0.5, 0.25, 1, 0.5])
    np.testing.assert_allclose(in_pixels(np.array([0.5, 0.25, 1, 0.5]), (10, 40)), [5, 10, 10, 20])


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_that_of_the_loop(seed):
    outputs, boxes, labels, present = drawn(seed)
    targets = assigned(jnp.asarray(boxes), jnp.asarray(labels), jnp.asarray(present), GRID)
    found = losses(jnp.asarray(outputs), targets, BOXES, WEIGHTS)
    every = zip(outputs, objects(boxes, labels, present), strict=True)
    np.testing.assert_allclose(found, [yolo_loss(each, own, BOXES) for each, own in every], rtol=2e-5)


def test_the_parts_have_their_weights():
    outputs, boxes, labels, present = drawn(9)
    targets = assigned(jnp.asarray(boxes), jnp.asarray(labels), jnp.asarray(present), GRID)
    for weights in (Weights(0.0, 0.0), Weights(0.0, 3.0), Weights(2.0, 0.0)):
        found = losses(jnp.asarray(outputs), targets, BOXES, weights)
        every = zip(outputs, objects(boxes, labels, present), strict=True)
        expected = [yolo_loss(each, own, BOXES, *weights) for each, own in every]
        np.testing.assert_allclose(found, expected, rtol=2e-5)


@pytest.mark.heavy
def test_an_object_belongs_to_the_cell_of_its_centre_and_the_first_of_several_stays():
    boxes = jnp.array([[[0.0, 0.0, 0.4, 0.6], [0.1, 0.1, 0.3, 0.3], [0.9, 0.9, 1.1, 1.1], [0.1, 0.5, 0.2, 0.6]]])
    present = jnp.array([[True, True, True, False]])
    found = assigned(boxes, jnp.array([[3, 1, 2, 0]]), present, GRID)
    assert np.argwhere(found.there[0]).tolist() == [[0, 0], [2, 2]]  # a centre at the very edge is in the last cell
    assert (found.label[0, 0, 0], found.label[0, 2, 2]) == (3, 2)
    np.testing.assert_allclose(found.place[0, 0, 0], [0.9, 0.6, 0.6**0.5, 0.4**0.5], rtol=1e-6)
    assert cell_of(boxes[0, 0].tolist(), GRID) == (0, 0)


def test_where_no_box_overlaps_the_nearest_answers():
    true = jnp.array([0.6, 0.6, 0.7, 0.7]).reshape(1, 1, 1, 1, 4)
    found = jnp.array([[0.0, 0.0, 0.1, 0.1], [0.4, 0.4, 0.5, 0.5]]).reshape(1, 1, 1, 2, 4)
    own = responsible(found, ious(found, true), true)
    assert own.ravel().tolist() == [False, True]


@pytest.mark.heavy
def test_confidence_learns_the_overlap_and_the_overlap_is_no_way_to_a_smaller_loss():
    """The gradient by the place is that of the squared distance alone: the overlap is a target, not an output."""
    outputs, boxes, labels, present = drawn(3)
    targets = assigned(jnp.asarray(boxes), jnp.asarray(labels), jnp.asarray(present), GRID)

    def total(outputs, weights):
        return losses(outputs, targets, BOXES, weights).sum()

    slope = jax.grad(total)(jnp.asarray(outputs), Weights(0.0, 0.5))
    assert not np.asarray(parted(slope, BOXES).place).any()
    assert np.asarray(parted(slope, BOXES).confidence).any()


def test_what_is_assigned_is_decoded_again():
    _, boxes, labels, present = drawn(5)
    present[:, 1:] = False
    targets = assigned(jnp.asarray(boxes), jnp.asarray(labels), jnp.asarray(present), GRID)
    classes = jax.nn.one_hot(targets.label, CLASSES)
    confidence = targets.there[..., None].astype(float)
    outputs = jnp.concatenate([targets.place, confidence, targets.place, 0 * confidence, classes], -1)
    found, scores = decoded(outputs, BOXES)
    for image in range(1, len(boxes)):
        if present[image, 0]:
            number, label = divmod(int(scores[image].argmax()), CLASSES)
            assert (scores[image].max(), label) == (1, labels[image, 0])
            np.testing.assert_allclose(found[image, number], boxes[image, 0], atol=1e-6)
    assert not scores[0].any()


def test_boxes_end_at_the_edge_and_scores_are_products():
    outputs, _, _, _ = drawn(1)
    found, scores = decoded(jnp.asarray(outputs), BOXES)
    row, column, number = 1, 2, 1
    place = (row * GRID + column) * BOXES + number
    values = outputs[4, row, column]
    whole = np.clip(box_of(*values[5:9].tolist(), row, column, GRID), 0, 1)
    np.testing.assert_allclose(found[4, place], whole, atol=1e-6)
    np.testing.assert_allclose(scores[4, place], values[9] * values[10:], rtol=1e-6)
