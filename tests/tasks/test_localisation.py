"""Localisation: its loss and measures as plain loops, boxes that move, data that do not fit, and a run of it."""

import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.data.augment import draw_moves
from src.data.batches import Batch
from src.data.settings import AugmentSettings
from src.randomness import stream
from src.tasks.localisation import Localisation, corners, middles
from src.training.check import check_data
from src.training.engine import Engine
from tests.training.trained import trained

TASK = Localisation(class_weight=0.5, box_weight=3.0)
HEIGHT, WIDTH = 20, 40
BOXES = np.array([[[0, 0, 0, 0], [2, 4, 12, 24]], [[5, 10, 15, 30], [0, 0, 0, 0]], [[0, 0, 20, 40], [0, 0, 0, 0]]])
PRESENT = np.array([[False, True], [True, False], [True, False]])
LABELS = np.array([[0, 2], [1, 0], [0, 0]])
SAID = np.array([[0.35, 0.35, 0.5, 0.5], [0.5, 0.5, 0.2, 0.5], [0.4, 0.6, 1.2, 1.0]], np.float32)
LOGITS = np.array([[0, 1, 3], [0, 2, 1], [0, 1, 0.5]], np.float32)


def batch(present=PRESENT, weights=(1, 1, 1)):
    targets = {"box": jnp.asarray(BOXES), "box_label": jnp.asarray(LABELS), "box_present": jnp.asarray(present)}
    return Batch(jnp.zeros((3, HEIGHT, WIDTH, 3)), targets, jnp.asarray(weights, jnp.float32))


OUTPUTS = {"class": jnp.asarray(LOGITS), "box": jnp.asarray(SAID)}


def by_loops():
    """Loss, right class and overlap of each image."""
    for label, (top, left, bottom, right), logits, (x, y, w, h) in zip(
        (2, 1, 0), (BOXES[0, 1], BOXES[1, 0], BOXES[2, 0]), LOGITS, SAID, strict=True
    ):
        truth = [
            (left + right) / 2 / WIDTH,
            (top + bottom) / 2 / HEIGHT,
            (right - left) / WIDTH,
            (bottom - top) / HEIGHT,
        ]
        squares = sum((own - said) ** 2 for own, said in zip(truth, (x, y, w, h), strict=True))
        entropy = np.log(sum(np.exp(logits))) - logits[label]
        y0, x0, y1, x1 = (min(max(v, 0), 1) for v in (y - h / 2, x - w / 2, y + h / 2, x + w / 2))
        high = max(0, min(y1, bottom / HEIGHT) - max(y0, top / HEIGHT))
        wide = max(0, min(x1, right / WIDTH) - max(x0, left / WIDTH))
        areas = (y1 - y0) * (x1 - x0), (bottom - top) * (right - left) / HEIGHT / WIDTH
        overlap = high * wide / (sum(areas) - high * wide)
        yield 0.5 * entropy + 3 * squares, np.argmax(logits) == label, overlap


@pytest.mark.heavy
def test_loss_and_measures_are_those_of_plain_loops():
    losses, right, overlap = (np.array(each, float) for each in zip(*by_loops(), strict=True))
    assert (right.tolist(), (overlap > 0.5).tolist()) == ([1, 1, 0], [True, False, True])
    np.testing.assert_allclose(TASK.losses(OUTPUTS, batch()), losses, rtol=1e-5)
    found = TASK.summary(TASK.sums(OUTPUTS, batch(), detailed=True) | TASK.gathered(OUTPUTS, batch()), detailed=True)
    assert found["loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["mean_iou"] == pytest.approx(overlap.mean(), rel=1e-5)
    assert found["median_iou"] == pytest.approx(np.median(overlap), rel=1e-5)
    assert found["localised"] == pytest.approx(1 / 3)
    for name, each in TASK.scores(OUTPUTS, batch()).items():
        assert float(each.mean()) == pytest.approx(found[name], rel=1e-5)


def test_an_object_that_left_the_image_and_an_example_without_weight_count_nothing():
    left = PRESENT.copy()
    left[1] = False
    assert TASK.losses(OUTPUTS, batch(left))[1] == 0
    gone, light = (TASK.sums(OUTPUTS, each, detailed=True) for each in (batch(left), batch(weights=(1, 0, 1))))
    assert {name: float(value) for name, value in gone.items()} == pytest.approx(
        {name: float(value) for name, value in light.items()}
    )
    assert gone["examples"] == 2


def test_boxes_come_back_from_their_middles():
    np.testing.assert_allclose(corners(middles(jnp.asarray(SAID))), SAID, atol=1e-6)
    found = TASK.predictions(OUTPUTS)
    np.testing.assert_allclose(found["class"].sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(found["box"][2], [0.1, 0, 1, 1], atol=1e-6)  # cut at the edges


def test_the_box_of_a_mirrored_image_is_mirrored():
    settings = AugmentSettings(flip=True)
    moves = draw_moves(jnp.stack([stream(0, str(k)) for k in range(3)]), settings, (HEIGHT, WIDTH))
    found = TASK.moved(batch().targets, moves._replace(mirrored=jnp.array([True, False, False])))["box"]
    np.testing.assert_array_equal(found[0, 1], [2, 16, 12, 36])
    np.testing.assert_array_equal(found[1:], BOXES[1:])


SMALL = (
    "+experiment=localisation_shapes", "data.image_size=24", "data.train=330", "data.validation=10", "data.test=40",
    "data.batch_size=32", "model.body.filters=[8,8,8,8,8]", "model.hidden=32", "parallel.devices=1",
)  # fmt: skip


@pytest.mark.heavy
def test_a_small_network_learns_where_a_shape_is(compose):
    built = Engine(compose(*SMALL, "train.duration=60steps", "optimizer.learning_rate=0.003"))
    state, rows = trained(built)
    losses = [row["train_loss"] for row in rows if "train_loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    found = built.evaluate(state, "test")
    assert found["mean_iou"] > 0.25  # and 0 at the beginning
    assert set(found) >= {"accuracy", "localised", "localised_interval", "median_iou"}


@pytest.mark.slow
def test_the_experiment_is_nearly_there_after_a_third_of_it(compose):
    built = Engine(compose("+experiment=localisation_shapes", "train.duration=7epochs"))
    state, _ = trained(built)
    assert built.evaluate(state, "test")["localised"] > 0.8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"box_present": np.ones((20, 2), bool)}, "image 0 of a split has 2 boxes, and this task is about the one obj"),
        ({"box_present": np.zeros((20, 2), bool)}, "image 0 of a split has 0 boxes"),
        ({"box_label": np.full((20, 2), 2)}, "the target box_label has the class 2; there are 2"),
        ({"box": np.zeros((20, 4))}, r"the target box is float64 \(16, 4\); numbers \(16, 2, 4\) are needed"),
    ],
)
def test_boxes_that_do_not_fit_are_one_line(compose, tmp_path, changed, said):
    targets = {
        "box": np.full((20, 2, 4), (0, 0, 3, 3)), "box_label": np.zeros((20, 2), int),
        "box_present": np.tile([True, False], (20, 1)), **changed,
    }  # fmt: skip
    np.savez(tmp_path / "mine.npz", inputs=np.zeros((20, 24, 24, 3), np.uint8), class_names=["a", "b"], **targets)
    settings = compose(
        "data=arrays", f"data.root={tmp_path / 'mine.npz'}", "data.targets=[box,box_label,box_present]",
        "task=localisation", "model=two_heads", "data.batch_size=4",
    )  # fmt: skip
    with pytest.raises(UserError, match=said):
        check_data(settings, settings.dataset())


@pytest.mark.heavy
def test_data_and_networks_that_do_not_fit_are_refused(compose):
    from src.training.jobs import check

    with pytest.raises(UserError, match=r"the task needs the target box_label; data.name=digits has label"):
        check([compose("task=localisation")])
    with pytest.raises(UserError, match=r"where \{'box': \(2, 4\), 'class': \(2, 4\)\} is needed"):
        check([compose("data=shapes", "data.shapes=1", "task=localisation", "model=convnet")])
    with pytest.raises(UserError, match="this task is about the one object of an image"):
        check([compose(*SMALL, "data.shapes=3")])
