"""Training from Python: the same loop, runs that survive, and what a loaded run can do."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import optax
import pytest
from flax import nnx

import src
from src.config.errors import UserError
from src.data.examples import Examples, labelled
from src.data.given import sha256
from src.models.summary import model_layers
from src.runs.directory import RunDirectory
from src.studies.runs import planned
from src.tasks.segmentation import Segmentation
from src.tasks.squared_error import SquaredError
from src.training.fit import fit, load_data
from src.training.load_run import load_run
from src.training.run import run
from tests.conftest import ROOT, forget_data

QUIET = ("tracking.progress=none", "tracking.tensorboard=false")


class Small(nnx.Module):
    """A network that knows nothing of this project."""

    def __init__(self, filters=4, classes=10):
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(1, filters, (3, 3), rngs=rngs)
        self.head = nnx.Linear(64 * filters, classes, rngs=rngs)

    def __call__(self, x):
        return self.head(nnx.relu(self.conv(x)).reshape(len(x), -1))


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of the command, to be loaded."""
    directory = tmp_path_factory.mktemp("runs") / "run"
    own = planned(["model.depth=8", "train.duration=20steps", f"hydra.run.dir={directory}", *QUIET])
    run(own.settings, own.config, directory)
    return directory


def test_what_is_for_notebooks_is_imported_from_the_package():
    assert (src.fit, src.load_data, src.load_run) == (fit, load_data, load_run)
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        src.fitt  # noqa: B018


@pytest.mark.heavy
def test_a_module_is_trained_by_any_transformation_and_stays_as_it_was(digits):
    module = Small()
    before = np.asarray(module.conv.kernel[...])
    found = fit(module, digits, optax.chain(optax.clip(1.0), optax.adam(3e-3)), duration="5 epochs", settings=QUIET)
    np.testing.assert_array_equal(module.conv.kernel[...], before)
    scores = [row["validation_accuracy"] for row in found.history if "validation_accuracy" in row]
    assert scores[-1] > 0.9
    assert not any("learning_rate" in row for row in found.history)
    constants = src.data.preprocessing.Preprocessing.of(digits, "channel")
    correct = np.asarray(found.module(constants(digits.test.inputs))).argmax(1) == digits.test.targets["label"]
    assert correct.mean() > 0.9


@pytest.mark.heavy
def test_steps_are_those_of_the_transformation_itself(digits):
    """Two steps of plain gradient descent on a whole batch, by hand."""
    images, labels = digits.train.inputs[:40], digits.train.targets["label"][:40]
    module = Small()
    found = fit(
        module, (images, labels), optax.sgd(0.1), duration="2 steps", batch_size=40, normalize="unit",
        settings=(*QUIET, "parallel.devices=1", "kernels=xla"),
    )  # fmt: skip
    definition, parameters, rest = nnx.split(module, nnx.Param, ...)

    def loss(values):
        outputs = nnx.merge(definition, values, rest)(images / np.float32(255))
        return optax.softmax_cross_entropy_with_integer_labels(outputs, labels).mean()

    for _ in range(2):
        parameters = jax.tree.map(lambda value, slope: value - 0.1 * slope, parameters, jax.grad(loss)(parameters))
    np.testing.assert_allclose(found.module.conv.kernel[...], parameters["conv"]["kernel"][...], rtol=2e-4, atol=1e-6)


@pytest.mark.heavy
def test_a_saved_run_gives_the_same_and_goes_on_only_with_what_it_was_begun_with(tmp_path, digits):
    arguments = {"duration": "12 steps", "settings": (*QUIET, "parallel.devices=1")}
    plain = fit(Small(), digits, optax.adam(1e-3), **arguments)
    saved = fit(Small(), digits, optax.adam(1e-3), run_dir=tmp_path / "run", **arguments)
    jax.tree.map(np.testing.assert_array_equal, plain.state.parameters, saved.state.parameters)
    again = fit(Small(), digits, optax.adam(1e-3), run_dir=tmp_path / "run", **arguments)
    assert again.history == saved.history
    others = {
        "model.name": {"name": "another"},
        "model.parameters": {"module": Small(filters=5)},
        "optimizer.state": {"optimizer": optax.sgd(0.1)},
        "data.sha256": {"data": (digits.train.inputs, digits.train.targets["label"])},
        "task.kind": {"task": SquaredError(label_smoothing=0.0)},
    }
    for named, other in others.items():
        first = {"module": Small(), "data": digits, "optimizer": optax.adam(1e-3)} | other
        with pytest.raises(UserError, match=rf"holds another run: .*{named}"):
            fit(**first, run_dir=tmp_path / "run", **arguments)
    with pytest.raises(UserError, match=r"the network fit was given in Python"):
        load_run(tmp_path / "run")


PROGRAM = """
import sys, optax
from src.training.fit import fit, load_data
from tests.training.test_fit import QUIET, Small
fit(Small(), load_data("digits"), optax.adam(1e-3), duration="60 epochs", run_dir=sys.argv[1],
    settings=(*QUIET, "parallel.devices=1", "checkpoint.every=5 steps"))
"""


@pytest.mark.heavy
def test_a_notebook_that_is_killed_goes_on_where_it_was(tmp_path):
    whole, cut = (tmp_path / name for name in ("whole", "cut"))
    command = [sys.executable, "-c", PROGRAM]
    subprocess.run([*command, str(whole)], cwd=ROOT, check=True)
    process = subprocess.Popen([*command, str(cut)], cwd=ROOT)
    while not any((cut / "checkpoints").glob("[0-9]*/manifest.json")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    subprocess.run([*command, str(cut)], cwd=ROOT, check=True)
    results = [RunDirectory(path).read_json("results.json") for path in (whole, cut)]
    assert results[0]["state_sha256"] == results[1]["state_sha256"]
    assert RunDirectory(cut).read_json("provenance.json")["resumed"]


@pytest.mark.heavy
def test_what_a_person_can_get_wrong_is_one_line(trained):
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.careless", str(trained)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_data_of_other_shapes_are_others():
    images, labels = np.arange(4 * 16, dtype=np.uint8).reshape(4, 4, 4, 1), np.arange(4)
    sums = {
        sha256(Examples(labelled(own, labels), labelled(own[:0], labels[:0]), names))
        for own in (images, images.reshape(4, 2, 8, 1))
        for names in (("a", "b"), ("b", "a"))
    }
    assert len(sums) == 4


@pytest.mark.heavy
def test_modules_that_do_not_fit_the_data_are_refused(digits):
    with pytest.raises(UserError, match=r"gives \(2, 7\) for 2 examples, where \(2, 10\) is needed"):
        fit(Small(classes=7), digits, optax.sgd(0.1), settings=QUIET)
    with pytest.raises(UserError, match="duration"):
        fit(Small(), digits, optax.sgd(0.1), duration="5 epoks", settings=QUIET)
    with pytest.raises(UserError, match="did you mean"):
        load_data("digts")


@pytest.mark.heavy
def test_a_loaded_run_predicts_from_stored_images_in_any_number(trained):
    loaded = load_run(str(trained))
    images = loaded.engine.dataset.test.inputs[:205]
    probabilities = loaded.predict(images)
    assert probabilities.shape == (205, 10)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(loaded.predict(images[:3]), probabilities[:3], rtol=1e-5, atol=1e-7)
    labels = loaded.engine.dataset.test.targets["label"]
    accuracy = (loaded.predict(loaded.engine.dataset.test.inputs).argmax(1) == labels).mean()
    assert loaded.evaluate("test")["accuracy"] == pytest.approx(accuracy)
    assert loaded.evaluate(labelled(images, labels[:205]))["accuracy"] == pytest.approx(
        (probabilities.argmax(1) == labels[:205]).mean()
    )


@pytest.mark.heavy
def test_a_loaded_run_needs_no_data_to_predict(trained, tmp_path, monkeypatch):
    from src.data import digits as source

    images = load_data("digits").test.inputs[:5]
    expected = load_run(trained).predict(images)
    monkeypatch.setattr(source.Digits, "read", lambda settings: pytest.fail("the data were read"))
    forget_data()
    np.testing.assert_array_equal(load_run(trained).predict(images), expected)


@pytest.mark.heavy
def test_features_have_the_names_of_the_layer_table(trained):
    loaded = load_run(trained)
    images, settings = loaded.engine.dataset.test.inputs[:7], loaded.engine.settings
    layers = model_layers(settings.model, loaded.engine.spec.shape, 10)
    for layer in layers[1:4]:
        assert loaded.features(images, layer.name).shape[0] == 7
    outputs = loaded.features(images, "head")
    np.testing.assert_allclose(jax.nn.softmax(outputs), loaded.predict(images), rtol=1e-4, atol=1e-6)
    with pytest.raises(UserError, match=r"no layer 'haed'; did you mean 'head'"):
        loaded.features(images, "haed")
    with pytest.raises(UserError, match=r"no layer 'blocks'; did you mean 'blocks.\d'"):  # a list of layers
        loaded.features(images, "blocks")


def test_inputs_that_do_not_fit_say_what_is_needed(trained):
    loaded = load_run(trained)
    with pytest.raises(UserError, match=r"inputs are float64 \(2, 8, 8, 1\); uint8 pixels \(n, 8, 8, 1\) are needed"):
        loaded.predict(np.zeros((2, 8, 8, 1)))
    with pytest.raises(UserError, match=r"inputs are uint8 \(2, 9, 9, 1\)"):
        loaded.predict(np.zeros((2, 9, 9, 1), np.uint8))
    with pytest.raises(UserError, match=r"are needed; one alone as inputs\[None\]"):
        loaded.predict(np.zeros((8, 8, 1), np.uint8))


def test_lists_of_images_and_no_images_are_predicted(trained, digits):
    loaded, images = load_run(trained), digits.test.inputs[:3]
    np.testing.assert_array_equal(loaded.predict([*images]), loaded.predict(images))
    assert loaded.predict(images[:0]).shape == (0, 10)


def test_examples_are_evaluated_as_arrays_too(trained, digits):
    loaded, (inputs, labels) = load_run(trained), (digits.test.inputs, digits.test.targets["label"])
    assert loaded.evaluate((inputs, labels)) == loaded.evaluate("test")


@pytest.mark.heavy
def test_damaged_preprocessing_is_one_line_and_runs_without_it_read_their_data(trained, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(trained, old)
    whole = json.loads((old / "preprocessing.json").read_text())
    damaged = (
        '{"shape": 3}', "{", "[]", *(json.dumps(whole | part) for part in (
            {"train": None}, {"shape": "abc"}, {"constants": None}, {"constants": {"mean": [1, 2], "std": [1, 2]}},
            {"targets": {}}, {"vocabulary": [1]}, {"vocabulary": 1},
        ))
    )  # fmt: skip
    for text in damaged:
        (old / "preprocessing.json").write_text(text)
        with pytest.raises(UserError, match=r"preprocessing.json is damaged; remove it, and the data are read"):
            load_run(old)
    (old / "preprocessing.json").unlink()
    images = load_run(trained).engine.dataset.test.inputs[:5]
    np.testing.assert_array_equal(load_run(old).predict(images), load_run(trained).predict(images))


@pytest.mark.heavy
def test_a_split_alone_is_trained_on_and_its_classes_are_those_of_the_task():
    shapes = load_data("shapes", "data.train=60", "data.test=20", "data.validation=0", "data.image_size=16")
    module = nnx.Conv(3, 4, (1, 1), rngs=nnx.Rngs(0))
    for settings in ((*QUIET, "task=segmentation"), QUIET):
        task = None if "task=segmentation" in settings else Segmentation()
        found = fit(
            module, shapes.train, optax.sgd(0.1), task=task, duration="2 steps", batch_size=16, settings=settings
        )
        assert "train_mean_iou" in found.history[-1]
