"""Suppression on the device keeps what the greedy loop keeps."""

import jax.numpy as jnp
import numpy as np
import pytest

from src.detection import suppression
from src.detection.suppression import detections
from tests.detection.loops import suppressed

IMAGES, BOXES, CLASSES = 12, 30, 3


def drawn(rng, *, equal):
    """Boxes that overlap a lot; with equal ones, scores of a few values."""
    first = rng.uniform(0, 0.5, (IMAGES, BOXES, 2))
    boxes = np.concatenate([first, first + rng.uniform(0.1, 0.5, (IMAGES, BOXES, 2))], -1).astype(np.float32)
    scores = rng.integers(0, 4, (IMAGES, BOXES, CLASSES)) / 4 if equal else rng.random((IMAGES, BOXES, CLASSES))
    return boxes, scores.astype(np.float32)


@pytest.fixture
def few(request, monkeypatch):
    """How many scores of an image are compared with each other; where there are more, each class goes by itself."""
    monkeypatch.setattr(suppression, "FEW", request.param)
    detections.clear_cache()
    yield request.param
    detections.clear_cache()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("equal", "overlap", "few"), [(False, 0.3, 256), (False, 0.3, 75), (True, 0.2, 256), (True, 0.2, 60)],
    indirect=["few"],
)  # fmt: skip
def test_what_is_kept_is_what_the_loop_keeps(equal, overlap, few):
    boxes, scores = drawn(np.random.default_rng(0), equal=equal)
    found = detections(jnp.asarray(boxes), jnp.asarray(scores), overlap, 0.1, BOXES * CLASSES)
    assert few == 256 or (scores > 0.1).sum((1, 2)).max() > few
    for image in range(IMAGES):
        expected = sorted(
            (-float(scores[image, number, label]), number * CLASSES + label)
            for label in range(CLASSES)
            for number in suppressed(boxes[image].tolist(), scores[image, :, label].tolist(), overlap, 0.1)
        )
        count = len(expected)
        assert CLASSES < count < BOXES * CLASSES
        np.testing.assert_array_equal(found.score[image, :count], [-score for score, _ in expected])
        np.testing.assert_array_equal(found.label[image, :count], [place % CLASSES for _, place in expected])
        np.testing.assert_array_equal(found.box[image, :count], boxes[image, [p // CLASSES for _, p in expected]])
        assert not found.score[image, count:].any()


@pytest.mark.parametrize("few", [256, 20], indirect=True)
def test_a_chain_is_followed_to_its_end(few):
    """Each box overlaps the next alone: every second is kept, which takes as many rounds as there are boxes."""
    left = np.arange(BOXES, dtype=np.float32)
    boxes = jnp.asarray(np.stack([0 * left, left, 0 * left + 1, left + 1.5], -1))[None]
    scores = jnp.asarray(1 - left / 100)[None, :, None]
    found = detections(boxes, scores, 0.19, 0.0, BOXES)
    np.testing.assert_array_equal(found.box[0, : BOXES // 2, 1], left[::2])
    assert (found.score[0] > 0).sum() == BOXES // 2


@pytest.mark.heavy
def test_only_so_many_and_only_such_with_a_score():
    boxes, scores = drawn(np.random.default_rng(1), equal=False)
    whole = detections(jnp.asarray(boxes), jnp.asarray(scores), 0.5, 0.1, 40)
    few = detections(jnp.asarray(boxes), jnp.asarray(scores), 0.5, 0.1, 5)
    np.testing.assert_array_equal(few.score, whole.score[:, :5])
    none = detections(jnp.asarray(boxes), jnp.asarray(-scores), 0.5, 0.0, 5)
    assert not none.score.any()
