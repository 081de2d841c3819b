"""Layers of a network as functions of pixels are those of the network, and nothing behind them is computed."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.base import abstract_network
from src.synthesis.features import features, named
from src.zoo.named import named_model
from tests.synthesis.made import COLOURED, SHAPE, Convolutions, images

PIXELS = jnp.asarray(images(3).astype(np.float32) / 255)


class Nested(nnx.Module):
    """Blocks, and a dense layer that wants images of one size."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.blocks = nnx.List([Convolutions(seed=1).first, nnx.Conv(8, 5, (3, 3), rngs=rngs)])
        self.head = nnx.Linear(5 * 36, 4, rngs=rngs)

    def __call__(self, x):
        for block in self.blocks:
            x = nnx.relu(block(x))
        return self.head(x.reshape(len(x), -1))


def test_layers_are_those_of_the_network_in_evaluation():
    module = Convolutions()
    module.train()
    first, output = features(module, COLOURED, ["first", "output"])(PIXELS)
    module.eval()
    normalized = (images(3) - COLOURED.mean) / COLOURED.std
    np.testing.assert_allclose(first, module.first(normalized), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(output, module(normalized), rtol=1e-4, atol=1e-4)


def test_layers_come_in_the_order_in_which_they_were_asked_for_also_one_in_another():
    module = Nested()
    found = features(module, COLOURED, ["blocks.1", "blocks.0", "blocks.1"])(PIXELS)
    assert [each.shape for each in found] == [(3, 6, 6, 5), (3, 6, 6, 8), (3, 6, 6, 5)]
    np.testing.assert_array_equal(found[0], found[2])


def test_what_is_behind_the_last_layer_may_be_unable_to_take_the_images():
    seen = features(Nested(), COLOURED, ["blocks.1"])
    assert seen.check((17, 9, 3)) == [(17, 9, 5)]
    assert seen(jnp.zeros((1, 17, 9, 3)))[0].shape == (1, 17, 9, 5)
    with pytest.raises(UserError, match="the network cannot take images of 17x9x3: "):
        features(Nested(), COLOURED).check((17, 9, 3))


def test_the_layers_of_vgg_have_their_published_names():
    module = abstract_network(named_model("vgg9"), (8, 8, 3), 10)
    before, after = (named(module, name) for name in ("conv2_2", "relu2_2"))
    assert (before.part, after.part) == ("stages.1.convs.1",) * 2
    values = jnp.array([-1.0, 2.0])
    assert before.read(values).tolist() == [-1, 2]
    assert after.read(values).tolist() == [0, 2]
    with pytest.raises(UserError, match="layer=relu2_3: there is no such layer; did you mean 'relu3_3'"):
        named(module, "relu2_3")


def test_an_unknown_layer_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"layer=blocks\.2: the network has no such layer; did you mean 'blocks\.1'"):
        features(Nested(), COLOURED, ["blocks.2"])
    with pytest.raises(UserError, match="layer=relu2_2: the network has no such layer"):
        features(Nested(), COLOURED, ["relu2_2"])


def test_a_network_stays_as_it_is():
    module = Nested()
    before = nnx.graphdef(module)
    features(module, COLOURED, ["blocks.0"])(jnp.zeros((1, *SHAPE)))
    assert nnx.graphdef(module) == before


def test_a_network_of_several_outputs_is_refused():
    class Two(nnx.Module):
        def __call__(self, x):
            return {"one": x, "two": x}

    with pytest.raises(UserError, match="layer=output gives several outputs, and one array is looked at"):
        features(Two(), COLOURED).check(SHAPE)
