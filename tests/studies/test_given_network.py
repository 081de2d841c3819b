"""A command takes the network of a run, or one of ours with weights from elsewhere."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import save_file

from src.config.errors import UserError
from src.config.settings import read_settings
from src.models.resnet_cifar import CifarResNet
from src.pretrained import li2018
from src.studies.given_network import GivenSettings, given
from tests.conftest import ROOT
from tests.pretrained.test_importer import torch_state

RUN = ROOT / "tests" / "fixtures" / "filter_stack-digits-9718f7eda1"
CLASSES = [f"class {number}, as people say" for number in range(10)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Weights of a ResNet-8, as a command names them."""
    file = tmp_path_factory.mktemp("weights") / "w.safetensors"
    module = CifarResNet(8, "B", channels=3, outputs=10, rngs=nnx.Rngs(1))
    arrays = torch_state(module, li2018.resnet(8))
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, file)
    return module, f"resnet,depth=8,shortcut=B@file:{file}"


def read(**values):
    return read_settings(GivenSettings, values).network()


@pytest.mark.heavy
def test_weights_are_put_into_one_of_our_networks(source, tmp_path):
    module, weights = source
    (tmp_path / "names.json").write_text(json.dumps(CLASSES))
    (tmp_path / "names.txt").write_text("\n".join(CLASSES))
    network = read(weights=weights, names=str(tmp_path / "names.json"))
    assert network.shape == (32, 32, 3)
    assert network.class_names == tuple(CLASSES) == read(weights=weights, names=str(tmp_path / "names.txt")).class_names
    images = jnp.linspace(0, 1, 2 * 32 * 32 * 3).reshape(2, 32, 32, 3)
    module.eval()
    expected = module((255 * images - network.constants.mean) / network.constants.std)
    np.testing.assert_allclose(network.seen()(images)[0], expected, rtol=1e-3, atol=1e-3)
    assert [network.class_number(name, "classes") for name in ("class 3", CLASSES[4], "5")] == [3, 4, 5]
    with pytest.raises(UserError, match=r"classes=clas 3: .* has no such class; did you mean 'class 3'"):
        network.class_number("clas 3", "classes")


def test_classes_without_names_are_numbers(source):
    network = given(source[1])
    assert network.class_names == tuple("0123456789")
    with pytest.raises(UserError, match="classes=10: the classes of resnet_depth_8_shortcut_B are the numbers 0 to 9"):
        network.class_number("10", "classes")


def test_a_run_has_its_own_names():
    network = read(run=str(RUN))
    assert network.title == RUN.name
    assert network.shape == (8, 8, 1)
    assert network.class_names == given(str(RUN)).class_names == tuple("0123456789")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "which network"),
        ({"run": "a", "weights": "b"}, "which network"),
        ({"run": "a", "names": "b"}, "names= is for weights="),
        ({"run": "lost"}, "lost does not exist"),
        ({"weights": "resnet"}, "weights=resnet: is written MODEL@SOURCE"),
        ({"weights": "resnet@run:runs/x"}, "a run has its own network; give it as run=runs/x"),
        ({"weights": "resnet@x.npz"}, "weights are run:PATH, file:PATH or package:NAME==VERSION"),
        ({"weights": "resnet,dept=8@file:x"}, "dept is not a setting; did you mean 'depth'"),
        ({"weights": "SOURCE", "names": "lost.txt"}, "names=lost.txt cannot be read: No such file"),
        ({"weights": "SOURCE", "names": __file__}, r"holds \d+ names, and the network has 10 classes"),
    ],
)
def test_what_does_not_fit_is_one_line(values, said, source):
    with pytest.raises(UserError, match=said) as error:
        read(**{name: value.replace("SOURCE", source[1]) for name, value in values.items()})
    assert "\n" not in str(error.value)
