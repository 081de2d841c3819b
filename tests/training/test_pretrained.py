"""Runs that begin with the weights of runs and files."""

import json
import re

import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.data.batches import Constants
from src.models.functional import dotted
from src.models.resnet_cifar import CifarResNetSettings
from src.pretrained import li2018
from src.studies.runs import finish, planned
from src.training import pretrained
from src.training.load_run import load_run

SHORT = ("train.duration=6steps", "data.augment=null", "data.batch_size=16", "parallel.devices=1", "schedule=constant",
         "checkpoint.every=2steps", "tracking.tensorboard=false")  # fmt: skip
RESNET = ("model.depth=8", "model.shortcut=B")
TRANSFER = ("model=transfer", "model.body=resnet", "model.body.depth=8", "model.body.shortcut=B",
            "model.features=average", "model.hidden=8", "data.normalize=pretrained")  # fmt: skip
LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def plan(path, *arguments):
    return planned([*SHORT, *arguments, f"hydra.run.dir={path}"])


def trained(path, *arguments):
    """A finished run."""
    finish([plan(path, *arguments)])
    return load_run(path)


def bits(tree):
    return {jax.tree_util.keystr(path): np.asarray(leaf).tobytes() for path, leaf in jax.tree.leaves_with_path(tree)}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A run on digits."""
    return trained(tmp_path_factory.mktemp("source") / "run", *RESNET)


@pytest.fixture
def data(tmp_path):
    """Images of two classes."""
    rng = np.random.default_rng(0)
    arrays = {"inputs": rng.integers(0, 256, (60, 32, 32, 3), np.uint8), "label": np.arange(60) % 2}
    np.savez(tmp_path / "data.npz", **arrays, class_names=["cat", "dog"])
    return f"data.root={tmp_path / 'data.npz'}"


@pytest.fixture
def weights(tmp_path):
    """A file with the names and in the layout of Li et al., with values of its own, and these by our names."""
    rng, arrays, ours = np.random.default_rng(0), {}, {}
    module = CifarResNetSettings(depth=8, shortcut="B", width=1).build((32, 32, 3), 10, rngs=nnx.Rngs(0))
    table = li2018.resnet(8)
    for path, leaf in nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))):
        values = np.float32(rng.uniform(0.5, 1.5, leaf.shape) / np.sqrt(leaf.size))
        turned = values.transpose(-1, -2, *range(values.ndim - 2)) if values.ndim > 1 else values
        arrays[f"{table[dotted(path[:-1])]}.{LEAVES[path[-1]]}"] = turned
        ours[dotted(path)] = values
    np.savez(tmp_path / "li.npz", **arrays)
    return tmp_path / "li.npz", ours


@pytest.mark.heavy
def test_a_frozen_body_keeps_the_weights_and_the_preprocessing_of_a_run(tmp_path, source):
    new = trained(tmp_path / "new", *TRANSFER, f"pretrained=run:{source.directory.path}", "freeze=[body]")
    for own, theirs in zip(new.state.scored(), source.state.scored(), strict=True):
        without_head = {name: part for name, part in theirs.items() if name != "head"}
        assert bits(own["body"]) == bits(without_head)
    assert bits(new.engine.preprocessing.constants) == bits(source.engine.preprocessing.constants)
    begun = json.loads((tmp_path / "new/provenance.json").read_text())["weights"]
    assert begun["sha256"] == json.loads((source.directory.path / "results.json").read_text())["state_sha256"]


@pytest.mark.heavy
def test_a_run_goes_on_from_the_weights_of_another_with_its_head(tmp_path, source):
    new = plan(tmp_path / "new", *RESNET, f"pretrained=run:{source.directory.path}", "data.normalize=pretrained")
    engine = pretrained.new_engine(new.settings)
    assert [bits(each) for each in engine.init_state().scored()] == [bits(each) for each in source.state.scored()]


@pytest.mark.heavy
def test_shortcuts_with_zeros_have_to_be_the_same(tmp_path):
    """They have no arrays that would say where their zeros are."""
    padded = trained(tmp_path / "padded", "model.depth=8", "model.shortcut=A_centred", "train.duration=1step")
    arguments = ("data.normalize=pretrained", f"pretrained=run:{padded.directory.path}", "model.depth=8")
    new = plan(tmp_path / "new", *arguments, "model.shortcut=A_centred")
    assert bits(pretrained.new_engine(new.settings).init_state().parameters) == bits(padded.state.parameters)
    with pytest.raises(UserError, match="holds another network: shortcut is A_centred there and A here"):
        plan(tmp_path / "other", *arguments, "model.shortcut=A")


@pytest.mark.heavy
def test_the_body_of_a_transferred_network_is_that_of_the_next(tmp_path, source):
    first = trained(tmp_path / "first", *TRANSFER, f"pretrained=run:{source.directory.path}")
    second = plan(tmp_path / "second", *TRANSFER, "model.hidden=4", f"pretrained=run:{first.directory.path}")
    state = pretrained.new_engine(second.settings).init_state()
    assert bits(state.parameters["body"]) == bits(first.state.parameters["body"])
    assert bits(state.batch_stats) == bits(first.state.batch_stats)


@pytest.mark.heavy
def test_the_weights_of_a_file_bring_their_preprocessing(tmp_path, weights, data, caplog):
    file, ours = weights
    new = trained(tmp_path / "new", *TRANSFER, "data=arrays", data, f"pretrained=file:{file}", "freeze=[body]",
                  "cache_features=true")  # fmt: skip
    for path, leaf in nnx.to_flat_state(nnx.state(new.module.body, (nnx.Param, nnx.BatchStat))):
        np.testing.assert_array_equal(leaf.get_value(), ours[dotted(path)])
    mean, std = new.engine.preprocessing.constants
    np.testing.assert_allclose(np.ravel(mean), (125.3, 123.0, 113.9), rtol=1e-6)
    np.testing.assert_allclose(np.ravel(std), (63.0, 62.1, 66.7), rtol=1e-6)
    file.unlink()  # a run does not need the file any more
    assert load_run(tmp_path / "new").predict(np.zeros((1, 32, 32, 3), np.uint8)).shape == (1, 2)


@pytest.mark.heavy
def test_other_weights_at_the_same_place_are_not_taken_for_those_of_before(tmp_path, weights, data):
    file, _ = weights
    arguments = (*TRANSFER, "data=arrays", data, f"pretrained=file:{file}")
    trained(tmp_path / "new", *arguments)
    arrays = dict(np.load(file))
    arrays["conv1.weight"] = arrays["conv1.weight"] + 1
    np.savez(file, **arrays)
    pretrained.read.cache_clear()
    with pytest.raises(UserError, match=r"began with other weights than file:.* has now; .* fresh=true"):
        plan(tmp_path / "new", *arguments).check()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("data.normalize=channel",), "data.normalize=channel: the weights expect other pixels"),
        (("pretrained=null",), "pretrained=… names none"),
        (("pretrained=elsewhere.npz",), "run:PATH, file:PATH or package:NAME==VERSION"),
        (("pretrained=run:nowhere",), "run=nowhere does not exist"),
        (("pretrained=file:nowhere.npz",), "file:nowhere.npz: there is no such file"),
        (("model.body.depth=14",), "model.depth is 8 there|no layer1.1|depth is 8 there and 14 here"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(tmp_path, source, arguments, words):
    with pytest.raises(UserError, match=words):
        plan(tmp_path / "new", *TRANSFER, f"pretrained=run:{source.directory.path}", *arguments)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": (8, 8, 3)}, "take images of 1 channels, and those of the data have 3"),
        ({"shape": (8,)}, "the data are texts"),
        ({"class_names": tuple("abcdefghij")}, r"name 10 classes \(0, 1, 2, 3, 4, …\), the data 10 \(a, b,"),
    ],
)
def test_data_that_do_not_fit_the_weights_of_a_run_are_refused(source, changes, words):
    settings = source.engine.settings
    found = pretrained.of_run(f"run:{source.directory.path}", settings.model, ())
    spec = source.engine.spec
    wrong = type(spec)(**{**vars(spec), **changes})
    assert [*pretrained.problems(found, source.module, spec)] == []
    (problem,) = pretrained.problems(found, source.module, wrong)
    assert re.search(words, problem), problem


def test_a_mean_image_is_of_one_size(source):
    mean = Constants(np.zeros((8, 8, 1), np.float32), np.ones((1, 1, 1), np.float32))
    found = pretrained.of_run(f"run:{source.directory.path}", source.engine.settings.model, ())._replace(constants=mean)
    wrong = type(source.engine.spec)(**{**vars(source.engine.spec), "shape": (9, 8, 1)})
    assert [*pretrained.problems(found, source.module, source.engine.spec)] == []
    assert "less a mean image of 8x8" in next(pretrained.problems(found, source.module, wrong))


def test_images_of_quite_another_size_are_refused(weights, source):
    file, _ = weights
    found = pretrained.read(f"file:{file}", CifarResNetSettings(depth=8, shortcut="B", width=1), ())
    for side, fits in ((15, False), (16, True), (64, True), (65, False)):
        spec = source.engine.spec
        own = type(spec)(**{**vars(spec), "shape": (side, side, 3)})
        problems = [*pretrained.problems(found, source.module, own)]
        assert problems == [] if fits else "data.image_size=32 makes them fit" in problems[0]
