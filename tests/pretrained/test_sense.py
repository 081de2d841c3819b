"""Weights that fit and make no sense: zeros on another side, channels in another order, pixels in another range."""

import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.resnet_cifar import CifarResNet
from src.pretrained import li2018, pytorch_resnet_cifar10
from src.pretrained.importer import TORCH, put_weights, read_arrays
from src.pretrained.names import Zeros, permuted
from src.pretrained.sense import doubts
from src.studies.networks import NetworkSettings, trained_networks
from src.training.engine import Engine
from tests.conftest import LI
from tests.pretrained.test_importer import torch_state

CENTRED = pytorch_resnet_cifar10.resnet(8)
BEHIND = CENTRED | {f"blocks.{block}.shortcut": Zeros(centred=False) for block in (1, 2)}
SMALL = ("data=digits", "model.depth=8", "data.augment=null", "data.batch_size=40")


def resnet(shortcut, channels=1, seed=0):
    return CifarResNet(8, shortcut, channels=channels, outputs=10, rngs=nnx.Rngs(seed))


def trained_on_digits(compose, depth):
    """A network with centred zeros after a few epochs of digits, as PyTorch would store it, and images."""
    short = ("model.shortcut=A_centred", "train.duration=6epochs", "parallel.devices=1")
    engine = Engine(compose(*SMALL, f"model.depth={depth}", *short))
    snapshot, step = engine.init_snapshot(), 0
    while step < engine.plan.steps:
        order = engine.order(int(engine.plan.epoch(step)))
        state, sums = engine.advance(snapshot.state, snapshot.sums, order, step + 1)
        snapshot, step = snapshot._replace(state=state, sums=sums), step + 1
    test = engine.split("test")
    images = (test.inputs[:100] - test.constants.mean) / test.constants.std
    module = engine.network.module(snapshot.state)
    return torch_state(module, pytorch_resnet_cifar10.resnet(depth)), images, module, test


@pytest.fixture(scope="module")
def trained(compose):
    return trained_on_digits(compose, 8)


@pytest.mark.heavy
def test_weights_make_sense_where_their_zeros_belong(trained, capsys):
    arrays, images, module, _ = trained
    own = resnet("A_centred")
    put_weights(own, arrays, CENTRED, TORCH, images)
    assert capsys.readouterr().err == ""
    own.eval()
    np.testing.assert_allclose(own(images), module(images), atol=1e-4)


@pytest.mark.heavy
def test_zeros_elsewhere_are_refused_and_name_the_setting(trained):
    arrays, images, _, _ = trained
    with pytest.raises(UserError, match=r"blocks\.1\.shortcut has its zeros behind the channels, .*: .*=A_centred"):
        put_weights(resnet("A"), arrays, CENTRED, TORCH, images)
    with pytest.raises(UserError, match=r"its zeros half before .* need them behind the channels: model\.shortcut=A$"):
        put_weights(resnet("A_centred"), arrays, BEHIND, TORCH, images)
    with pytest.raises(UserError, match="pads with zeros, and the table of names has no such shortcut there"):
        put_weights(resnet("A"), arrays, li2018.resnet(8), TORCH, images)


@pytest.mark.heavy
def test_what_a_table_does_not_know_is_a_warning(trained, capsys):
    arrays, images, _, test = trained
    backwards = range(15, -1, -1)
    for turned in (
        {"stem.conv": permuted("conv1", outputs=backwards)},
        {"blocks.0.conv1.conv": permuted("layer1.0.conv1", inputs=backwards)},
    ):
        own = resnet("A_centred")
        put_weights(own, arrays, CENTRED | turned, TORCH, images)
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("warning: the weights fit, but what its layers see is ")
        own.eval()
        assert (own(images).argmax(-1) != test.targets["label"][:100]).mean() > 0.5
    put_weights(resnet("A_centred"), arrays, CENTRED, TORCH, test.inputs[:100].astype(np.float32))
    assert "warning: the weights fit, but" in capsys.readouterr().err


@pytest.mark.slow
def test_zeros_of_which_a_table_says_the_wrong_side_are_a_warning(compose, capsys):
    """The half of the layers that is before the first of them sees nothing of it."""
    arrays, images, _, test = trained_on_digits(compose, 20)
    right = pytorch_resnet_cifar10.resnet(20)
    wrong = right | {f"blocks.{block}.shortcut": Zeros(centred=False) for block in (3, 6)}
    errors = []
    for shortcut, table in (("A_centred", right), ("A", wrong)):
        own = CifarResNet(20, shortcut, channels=1, outputs=10, rngs=nnx.Rngs(0))
        put_weights(own, arrays, table, TORCH, images)
        own.eval()
        errors.append((own(images).argmax(-1) != test.targets["label"][:100]).mean())
    assert errors[0] < 0.1
    assert errors[1] > 0.4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: the weights fit, but what its layers see is ")


@pytest.mark.heavy
def test_channels_in_another_order_compute_the_same(trained):
    """Zeros may be behind the channels after all, if everything behind them takes its channels in that order."""
    arrays, images, module, _ = trained
    second = [*range(8, 24), *range(8), *range(24, 32)]  # ours by theirs, which are 8 zeros, 16 channels, 8 zeros
    third = [*(16 + channel for channel in second), *range(16), *range(48, 64)]
    table = BEHIND | {"head": permuted("linear", inputs=third)}
    for block, (inputs, outputs) in {1: ((), second), 2: (second, third)}.items():
        for conv, before in ((1, inputs), (2, outputs)):
            ours, theirs = f"blocks.{block}.conv{conv}", f"layer{block + 1}.0"
            table[f"{ours}.conv"] = permuted(f"{theirs}.conv{conv}", inputs=before, outputs=outputs)
            table[f"{ours}.norm"] = permuted(f"{theirs}.bn{conv}", outputs=outputs)
    own = resnet("A")
    put_weights(own, arrays, table, TORCH, images)
    own.eval()
    assert doubts(own, images) is None
    np.testing.assert_allclose(own(images), module(images), atol=1e-4)


def test_outputs_that_say_nothing_are_doubted():
    images = jax.random.normal(jax.random.key(0), (20, 4, 4, 3))

    class Plain(nnx.Module):
        def __init__(self, bias):
            self.head = nnx.Linear(48, 10, rngs=nnx.Rngs(0))
            self.head.bias[...] += bias

        def __call__(self, x):
            return self.head(x.reshape(len(x), -1))

    assert doubts(Plain(0), images) is None
    assert doubts(Plain(100 * np.eye(10)[3]), images) == "all 20 images are of one class to them"
    assert doubts(Plain(np.nan), images) == "they give outputs that are not finite"


@pytest.mark.skipif(not LI.exists(), reason="the weights of Li et al. are not here")
@pytest.mark.parametrize(("name", "shortcut"), [("resnet56", "B"), ("resnet56_noshort", "none")])
def test_real_weights_make_sense_of_pixels_in_their_range(compose, capsys, name, shortcut):
    images = compose("data=cifar10").dataset().test.inputs[:100]
    own = CifarResNet(56, shortcut, channels=3, outputs=10, rngs=nnx.Rngs(0))
    arrays = read_arrays(LI / f"{name}.npz")
    mean, std = np.float32([125.3, 123.0, 113.9]), np.float32([63.0, 62.1, 66.7])
    put_weights(own, arrays, li2018.resnet(56), TORCH, (images - mean) / std)
    assert capsys.readouterr().err == ""
    put_weights(own, arrays, li2018.resnet(56), TORCH, images / np.float32(255))
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.slow
def test_a_study_looks_at_the_weights_that_it_is_given(trained, tmp_path, capsys):
    arrays, _, _, test = trained
    np.savez(tmp_path / "w.npz", **arrays)
    constants = {name: np.ravel(getattr(test.constants, name)).tolist() for name in ("mean", "std")}

    def looked_at(shortcut, **changes):
        weights = {"file": str(tmp_path / "w.npz"), **constants, **changes}
        settings = NetworkSettings(title="a", arguments=[f"model.shortcut={shortcut}"], weights=weights)
        trained_networks([settings], SMALL, ["test"], None)
        return capsys.readouterr().err

    assert looked_at("A_centred") == ""
    assert "warning: the weights fit, but" in looked_at("A_centred", mean=[0.0], std=[1.0])
    with pytest.raises(UserError, match=r"its zeros behind the channels, .*: model\.shortcut=A_centred$"):
        looked_at("A")
