"""Detection as a task: its loss and metrics in the contract, boxes that move, and a network that learns it."""

import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.data.augment import Moves
from src.data.batches import Batch
from src.detection.yolo import VALUES
from src.runs.identity import run_hash
from src.training.check import check_data
from src.training.engine import Engine
from tests.detection.loops import yolo_loss
from tests.numbers.results import facts
from tests.training.trained import trained

SIZE, GRID, BOXES, CLASSES = 32, 4, 2, 3
OBJECTS = [
    [((4.0, 4.0, 14.0, 16.0), 1), ((20.0, 18.0, 30.0, 31.0), 2)],
    [((0.0, 0.0, 12.0, 12.0), 1)],
    [],
]


@pytest.fixture(scope="module")
def task(compose):
    return compose("+experiment=detection_shapes", f"task.grid={GRID}").task


def batch(objects, weights=None, **more):
    shape = len(objects), 3
    box, label, present = np.zeros((*shape, 4), np.float32), np.zeros(shape, np.int32), np.zeros(shape, bool)
    for image, own in enumerate(objects):
        for number, each in enumerate(own):
            box[image, number], label[image, number] = each
            present[image, number] = True
    targets = {"box": box, "box_label": label, "box_present": present, **more}
    weights = np.ones(len(objects)) if weights is None else weights
    inputs = jnp.zeros((len(objects), SIZE, SIZE, 3))
    return Batch(inputs, {name: jnp.asarray(each) for name, each in targets.items()}, jnp.asarray(weights, jnp.float32))


def perfect(objects):
    """Outputs that say what is there, by hand: the first box of a cell."""
    outputs = np.zeros((len(objects), GRID, GRID, BOXES * VALUES + CLASSES), np.float32)
    for image, own in enumerate(objects):
        for (top, left, bottom, right), label in own:
            y, x = (top + bottom) / 2 / SIZE * GRID, (left + right) / 2 / SIZE * GRID
            cell = outputs[image, int(y), int(x)]
            cell[:VALUES] = x % 1, y % 1, ((right - left) / SIZE) ** 0.5, ((bottom - top) / SIZE) ** 0.5, 1
            cell[BOXES * VALUES + label] = 1
    return jnp.asarray(outputs)


def summary(task, outputs, own):
    values = task.sums(outputs, own, detailed=True) | task.gathered(outputs, own)
    return task.summary({name: np.asarray(each) for name, each in values.items()}, detailed=True)


@pytest.mark.heavy
def test_what_is_there_is_found_and_costs_nothing(task):
    found = summary(task, perfect(OBJECTS), batch(OBJECTS))
    assert found["loss"] == pytest.approx(0, abs=1e-9)
    assert (found["mean_ap"], found["mean_ap_11_points"]) == (1, 1)
    assert found["class_ap"] == [None, 1, 1]
    assert found["confusion"] == [[0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


@pytest.mark.heavy
def test_one_object_missed_and_one_of_another_class(task):
    said = [[OBJECTS[0][0]], [(OBJECTS[1][0][0], 2)], []]
    found = summary(task, perfect(said), batch(OBJECTS))
    assert found["class_ap"] == [None, 0.5, 0]
    assert found["mean_ap"] == 0.25
    assert found["confusion"] == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_the_loss_is_the_papers_in_pixels_of_the_image(task):
    outputs = np.random.default_rng(0).normal(0.4, 0.3, perfect(OBJECTS).shape).astype(np.float32)
    shares = [[(tuple(side / SIZE for side in box), label) for box, label in own] for own in OBJECTS]
    expected = [yolo_loss(each, own, BOXES) for each, own in zip(outputs, shares, strict=True)]
    np.testing.assert_allclose(task.losses(jnp.asarray(outputs), batch(OBJECTS)), expected, rtol=2e-5)
    np.testing.assert_allclose(task.scores(jnp.asarray(outputs), batch(OBJECTS))["loss"], expected, rtol=2e-5)
    weighed = batch(OBJECTS, [1, 1, 0])
    assert summary(task, jnp.asarray(outputs), weighed)["loss"] == pytest.approx(np.mean(expected[:2]), rel=2e-5)


def test_difficult_objects_are_neither_learnt_nor_counted(task):
    difficult = np.array([[False, True, False], [False] * 3, [False] * 3])
    without, marked = [OBJECTS[0][:1], *OBJECTS[1:]], batch(OBJECTS, box_difficult=difficult)
    np.testing.assert_allclose(task.losses(perfect(without), marked), 0, atol=1e-9)
    for said in (OBJECTS, without):
        found = summary(task, perfect(said), marked)
        assert found["class_ap"] == [None, 1, None]
        assert found["confusion"][2] == [0, 0, 0, 0]


def test_what_is_difficult_is_read_where_the_data_say_it(task):
    there = {"mask", "box", "box_label", "box_present"}
    assert sorted(task.read_of(there)) == ["box", "box_label", "box_present"]
    assert "box_difficult" in task.read_of({*there, "box_difficult"})


def test_predictions_are_in_shares_and_the_surest_comes_first(task):
    outputs = perfect(OBJECTS)
    outputs = outputs.at[0, ..., 4].multiply(jnp.arange(1, GRID + 1)[:, None] / GRID)
    found = task.predictions(outputs)
    np.testing.assert_allclose(SIZE * found.box[0, :2], [OBJECTS[0][1][0], OBJECTS[0][0][0]], atol=1e-4)
    np.testing.assert_allclose(found.score[0, :3], [1, 0.5, 0])
    assert found.label[0, :2].tolist() == [2, 1]


def test_boxes_move_with_their_images(task):
    own = batch(OBJECTS).targets
    moves = Moves((SIZE, SIZE), None, 0, None, jnp.array([True, False, True]))
    moved = task.moved(own, moves)
    np.testing.assert_allclose(moved["box"][0, 0], [4, 16, 14, 28])
    np.testing.assert_allclose(moved["box"][1, 0], OBJECTS[1][0][0])
    np.testing.assert_array_equal(moved["box_present"], own["box_present"])
    corners = jnp.array([[4, 24], [0, 0], [0, 0]])  # of a crop that leaves nothing of the first box
    moved = task.moved(own, Moves((SIZE, SIZE), None, 8, corners, None))
    assert moved["box_present"][0].tolist() == [False, True, False]


def test_the_caption_names_what_is_there(task, compose):
    spec = compose("+experiment=detection_shapes", "data.train=20", "data.validation=4", "data.test=4").dataset().spec
    assert task.captions(batch(OBJECTS).targets, spec) == ["circle, square", "circle", ""]


def small(compose, *arguments):
    return compose(
        "+experiment=detection_shapes", "data.image_size=32", "data.shapes=2", "data.test=64", "task.grid=4",
        "model.filters=8", "model.at_grid=1", "parallel.devices=1", *arguments,
    )  # fmt: skip


@pytest.mark.heavy
def test_a_small_network_learns_boxes(compose):
    built = Engine(small(compose, "data.train=420", "train.duration=60steps", "eval.batch_size=64"))
    state, rows = trained(built)
    losses = [row["train_loss"] for row in rows if "train_loss" in row]
    assert losses[-1] < 0.6 * losses[0]
    found = built.evaluate(state, "test")
    assert sum(map(sum, found["confusion"][:-1])) == built.dataset.test.targets["box_present"].sum()
    assert {"test_mean_ap", "validation_mean_ap"} & {name for row in rows for name in row}


@pytest.mark.heavy
@pytest.mark.parametrize("arguments", [("parallel.devices=2",), ("parallel=pmap", "parallel.devices=2")])
def test_several_devices_find_the_same(compose, arguments):
    shared = ("data.train=264", "eval.batch_size=32")
    alone, together = (Engine(small(compose, *shared, *own)) for own in ((), arguments))
    one, several = (each.evaluate(each.init_state(), "test") for each in (alone, together))
    assert one["confusion"] == several["confusion"]
    assert one["loss"] == pytest.approx(several["loss"], rel=1e-5)


def test_the_committed_run_is_that_of_the_experiment_and_reaches_what_is_said(compose):
    found = facts("detection")
    assert found["run"] == f"detection_shapes-{run_hash(compose('+experiment=detection_shapes'))}"
    assert found["mean_ap"] > 0.9
    assert found["seconds"] < 600


def test_data_and_networks_that_do_not_fit_are_refused(compose):
    from src.training.jobs import check

    few = ("data.train=40", "data.validation=8", "data.test=8", "data.batch_size=8")
    with pytest.raises(UserError, match=r"the task needs the target box_label; data.name=digits has label"):
        check([compose("task=detection")])
    with pytest.raises(UserError, match=r"gives \(2, 8, 8, 14\) for 2 examples, where \(2, 7, 7, 14\) is needed"):
        check([compose("+experiment=detection_shapes", "task.grid=7", *few)])
    with pytest.raises(UserError, match="mix the classes of single images"):
        check([compose("+experiment=detection_shapes", "data.augment.mixup=0.2", *few)])


LABELS, PRESENT = np.ones((20, 2), int), np.ones((20, 2), bool)
WHOLE = np.tile(np.array([0.0, 0, 8, 8]), (20, 2, 1))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"box": WHOLE, "box_label": LABELS + 1}, r"the target box_label has the class 2; there are 2"),
        ({"box": WHOLE[..., :3]}, r"the target box is float64 \(16, 2, 3\); numbers \(16, 2, 4\) are needed"),
        ({"box": np.where(WHOLE > 0, np.nan, WHOLE)}, r"the target box is float64 \(16, 2, 4\); numbers"),
        ({"box": WHOLE, "box_present": LABELS}, r"the target box_present is int64 \(16, 2\); true and false"),
        ({"mask": np.zeros((20, 8, 8), int)}, r"the task needs the target box_label; data.name=arrays has mask"),
    ],
)
def test_targets_that_do_not_fit_are_one_line(compose, tmp_path, arrays, said):
    whole = arrays if "mask" in arrays else {"box_label": LABELS, "box_present": PRESENT, **arrays}
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", inputs=images, class_names=["a", "b"], **whole)
    names = ",".join(whole)
    settings = compose(
        "data=arrays", f"data.root={tmp_path / 'mine.npz'}", f"data.targets=[{names}]", "task=detection",
        "model=yolo_small", "data.batch_size=4", "task.grid=1",
    )  # fmt: skip
    with pytest.raises(UserError, match=said):
        check_data(settings, settings.dataset())


def test_boxes_without_a_class_list_are_refused(compose, tmp_path):
    images = np.zeros((20, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "mine.npz", inputs=images, box=WHOLE.astype(int), box_label=LABELS, box_present=PRESENT)
    with pytest.raises(UserError, match=r"mine.npz: boxes need class_names, a name for each class of box_label"):
        compose(
            "data=arrays", f"data.root={tmp_path / 'mine.npz'}", "data.targets=[box,box_label,box_present]"
        ).dataset()
