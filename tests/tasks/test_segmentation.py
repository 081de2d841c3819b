"""Segmentation: its measures beside scikit-learn's, masks that move with their images, and a network that learns it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score, log_loss

from src.config.errors import UserError
from src.data.augment import draw_moves, moved
from src.data.batches import Batch
from src.data.settings import AugmentSettings
from src.randomness import stream
from src.tasks.segmentation import Segmentation, pixels_of
from src.training.check import check_data
from src.training.engine import Engine
from tests.training.trained import trained

TASK = Segmentation()
CLASSES = 4


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 5, 7, CLASSES)).astype(np.float32), rng.integers(0, CLASSES, (6, 5, 7), dtype=np.uint8)


def batch(masks, weights=None):
    weights = np.ones(len(masks)) if weights is None else weights
    return Batch(jnp.zeros((len(masks), 1, 1, 1)), {"mask": jnp.asarray(masks)}, jnp.asarray(weights, jnp.float32))


def summary(logits, own):
    values = TASK.sums(jnp.asarray(logits), own, detailed=True) | TASK.gathered(jnp.asarray(logits), own)
    return TASK.summary(values, detailed=True)


@pytest.mark.heavy
def test_every_measure_agrees_with_scikit_learn(scored):
    logits, masks = scored
    found, predicted = summary(logits, batch(masks)), logits.argmax(-1)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    of_classes = jaccard_score(masks.ravel(), predicted.ravel(), average=None)
    of_images = [jaccard_score(a.ravel(), b.ravel(), average="macro") for a, b in zip(masks, predicted, strict=True)]
    assert found["loss"] == pytest.approx(log_loss(masks.ravel(), probabilities.reshape(-1, CLASSES)), rel=1e-5)
    assert found["accuracy"] == pytest.approx(accuracy_score(masks.ravel(), predicted.ravel()), rel=1e-6)
    assert found["class_iou"] == pytest.approx(of_classes, rel=1e-5)
    assert found["mean_iou"] == pytest.approx(of_classes.mean(), rel=1e-5)
    assert found["median_iou"] == pytest.approx(np.median(of_images), rel=1e-5)


@pytest.mark.heavy
def test_images_without_weight_and_classes_without_pixels_do_not_count(scored):
    logits, masks = scored
    logits[..., 3], masks[masks == 3] = -9, 0
    own = TASK.sums(jnp.asarray(logits), batch(masks, np.arange(6) < 4), detailed=True)
    alone = TASK.sums(jnp.asarray(logits[:4]), batch(masks[:4]), detailed=True)
    for name, value in alone.items():
        np.testing.assert_allclose(own[name], value, rtol=1e-6)
    found = summary(logits[:4], batch(masks[:4]))
    assert found["class_iou"][3] is None
    assert found["mean_iou"] == pytest.approx(np.mean(found["class_iou"][:3]))


def test_every_number_is_of_one_confusion_matrix(scored):
    logits, masks = scored
    found, predicted = summary(logits, batch(masks)), logits.argmax(-1)
    pixels = confusion_matrix(masks.ravel(), predicted.ravel())
    np.testing.assert_array_equal(found["confusion"], pixels)
    shares = jaccard_score(masks.ravel(), predicted.ravel(), average=None)
    assert found["frequency_weighted_iou"] == pytest.approx((pixels.sum(1) * shares).sum() / pixels.sum())
    of_training = TASK.summary(TASK.sums(jnp.asarray(logits), batch(masks), detailed=False), detailed=False)
    assert of_training == pytest.approx({name: found[name] for name in of_training}, rel=1e-5)


def test_the_matrix_holds_more_pixels_than_32_bits():
    sums = TASK.confusion(jnp.zeros((2, 5, 4, 3)), batch(np.zeros((2, 5, 4), np.uint8)))
    many = {name: 2**30 * np.asarray(value, np.int64) for name, value in sums.items()}
    assert pixels_of(many)[0, 0] == 40 * 2**30
    large = {"confusion_high": np.array([[3]], np.int32), "confusion_low": np.array([[2**31 - 1]], np.int32)}
    assert pixels_of(large)[0, 0] == 3 * 2**16 + 2**31 - 1


@pytest.mark.heavy
@pytest.mark.parametrize("ignored", [3, 255])
def test_ignored_pixels_count_nowhere(scored, ignored):
    """The same as if they were cut out, whatever the network says there."""
    logits, masks = scored
    masks[:, 3:] = ignored
    masks[:, :3][masks[:, :3] == 3] = 0
    task, own = Segmentation(ignored=ignored), batch(masks)
    cut, rest = jnp.asarray(logits[:, :3]), batch(masks[:, :3])
    np.testing.assert_allclose(task.losses(jnp.asarray(logits), own), TASK.losses(cut, rest), rtol=1e-5)
    for detailed in (False, True):
        values = task.sums(jnp.asarray(logits), own, detailed=detailed) | task.gathered(jnp.asarray(logits), own)
        expected = TASK.sums(cut, rest, detailed=detailed) | TASK.gathered(cut, rest)
        expected = TASK.summary(expected, detailed=detailed)
        found = task.summary(values, detailed=detailed)
        assert {name: found[name] for name in ("loss", "accuracy", "mean_iou")} == pytest.approx(
            {name: expected[name] for name in ("loss", "accuracy", "mean_iou")}, rel=1e-5
        )
    np.testing.assert_array_equal(found["confusion"], expected["confusion"])
    assert found["median_iou"] == pytest.approx(expected["median_iou"])
    assert set(task.scores(jnp.asarray(logits), own)) == {"loss"}


@pytest.mark.heavy
def test_an_image_of_ignored_pixels_has_no_loss_and_no_gradient(scored):
    logits, masks = scored
    masks[2] = 255
    task = Segmentation(ignored=255)
    gradient = jax.grad(lambda outputs: task.losses(outputs, batch(masks)).sum())(jnp.asarray(logits))
    assert np.isfinite(gradient).all()
    assert (np.asarray(gradient[2]) == 0).all()
    assert (np.asarray(gradient[3]) != 0).any()
    assert task.losses(jnp.asarray(logits), batch(masks))[2] == 0


@pytest.mark.heavy
def test_what_comes_into_sight_is_ignored():
    settings = AugmentSettings(scale=0.5, shift=0.4)
    moves = draw_moves(jnp.stack([stream(0, str(number)) for number in range(9)]), settings, (8, 8))
    targets = Segmentation(ignored=255).moved({"mask": jnp.ones((9, 8, 8), jnp.uint8)}, moves)
    assert set(np.unique(targets["mask"])) == {1, 255}


@pytest.mark.heavy
def test_masks_move_with_their_images():
    settings = AugmentSettings(crop=2, flip=True, fill="black", cutout=0, mixup=0.0, cutmix=0.0)
    moves = draw_moves(jnp.stack([stream(0, str(number)) for number in range(20)]), settings, (6, 6))
    masks = np.random.default_rng(0).integers(1, CLASSES, (20, 6, 6), dtype=np.uint8)
    targets = TASK.moved({"mask": jnp.asarray(masks)}, moves)
    images = moved(jnp.asarray(masks, jnp.float32)[..., None], moves, jnp.zeros((6, 6, 1)))
    np.testing.assert_array_equal(targets["mask"], images[..., 0])
    assert (np.asarray(targets["mask"]) == 0).any()


@pytest.mark.heavy
def test_a_small_network_finds_the_shapes(compose):
    built = Engine(compose("+experiment=segmentation_shapes", "train.duration=150steps", "data.train=700",
                           "data.test=60", "parallel.devices=1", "model.filters=8"))  # fmt: skip
    state, rows = trained(built)
    losses = [row["train_loss"] for row in rows if "train_loss" in row]
    assert losses[-1] < 0.3 * losses[0]
    assert built.evaluate(state, "test")["mean_iou"] > 0.5


@pytest.mark.slow
def test_the_experiment_reaches_what_it_says(compose):
    built = Engine(compose("+experiment=segmentation_shapes"))
    state, _ = trained(built)
    assert built.evaluate(state, "test")["mean_iou"] > 0.9


@pytest.mark.heavy
def test_data_and_networks_that_do_not_fit_are_refused(compose):
    from src.training.jobs import check

    with pytest.raises(UserError, match=r"the task needs the target mask; data.name=digits has label"):
        check([compose("task=segmentation")])
    with pytest.raises(UserError, match=r"gives \(2, 4\) for 2 examples, where \(2, 32, 32, 4\) is needed"):
        check([compose("+experiment=segmentation_shapes", "model=resnet")])
    with pytest.raises(UserError, match="mix the classes of single images"):
        check([compose("+experiment=segmentation_shapes", "data.augment.mixup=0.2")])
    with pytest.raises(UserError, match=r"halvings=3 takes sides that 8 divides, not 20x20"):
        check([compose("+experiment=segmentation_shapes", "model.halvings=3", "data.image_size=20")])
    with pytest.raises(UserError, match=r"shrinks images alone, and their box .*; image_size=32 leaves"):
        check([compose("+experiment=segmentation_shapes", "debug.image_size=16")])


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.full((20, 8, 8), 3), "the target mask has the class 3; there are 2"),
        (np.zeros((20, 8, 8, 1), int), r"the target mask is int64 \(16, 8, 8, 1\); whole numbers \(n, h, w\)"),
        (np.zeros((20, 8, 8)), r"the target mask is float64"),
        (np.zeros((20, 4, 4), int), r"crops masks \(4, 4\) as images \(8, 8\)"),
    ],
)
def test_masks_that_do_not_fit_are_one_line(compose, tmp_path, mask, said):
    np.savez(tmp_path / "mine.npz", inputs=np.zeros((20, 8, 8, 3), np.uint8), mask=mask, class_names=["a", "b"])
    settings = compose(
        "data=arrays", f"data.root={tmp_path / 'mine.npz'}", "data.targets=mask", "task=segmentation",
        "model=encoder_decoder", "data.batch_size=4", "data.augment.crop=1",
    )  # fmt: skip
    with pytest.raises(UserError, match=said):
        check_data(settings, settings.dataset())
