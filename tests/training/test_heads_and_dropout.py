"""Networks that draw at random and have several heads, inside the step."""

import jax
import numpy as np
import pytest

from src.data.batches import evaluation_batch
from src.layers.dropout import Dropout
from src.training.engine import Engine
from src.training.state import state_sha256
from tests.training.trained import largest_difference, trained

TINY = (
    "trust=tests",
    "~model.depth",
    "~model.shortcut",
    "~model.width",
    "+model._target_=tests.models.tiny.TinySettings",
)


@pytest.fixture
def tiny(compose):
    """Builds an engine of a network with dropout and an auxiliary head."""

    def build(*arguments, rate=0.5, weight=0.3):
        settings = compose(
            *TINY, f"+model.rate={rate}", f"+model.weight={weight}", "data.augment=null", "data.batch_size=40",
            "train.duration=10steps", "optimizer.weight_decay=0", *arguments,
        )  # fmt: skip
        return Engine(settings)

    return build


@pytest.mark.heavy
def test_losses_are_float32_where_activations_are_bfloat16(tiny):
    built = tiny("parallel.devices=1", "precision=bfloat16")
    (parameters, batch_stats), data = built.init_state().scored(), built.split("test")
    images = evaluation_batch(data, 0, 8).inputs
    outputs, _ = built.network.train(parameters, batch_stats, images, jax.random.split(jax.random.key(0), 8))
    assert outputs.auxiliary
    for head in (outputs.main, *outputs.auxiliary, built.network(parameters, batch_stats, images)):
        assert head.dtype == np.dtype("float32")
        np.testing.assert_array_equal(head, head.astype("bfloat16").astype("float32"))


@pytest.mark.heavy
def test_dropout_is_the_same_on_any_number_of_devices_and_slices(tiny):
    alone, _ = trained(tiny("parallel.devices=1"))
    for arguments in (("parallel.devices=8",), ("parallel=pmap", "parallel.devices=2"), ("train.accumulation=4",)):
        assert largest_difference(alone, trained(tiny("parallel.devices=1", *arguments))[0]) < 1e-5
    assert largest_difference(alone, trained(tiny("parallel.devices=1", rate=0.4))[0]) > 1e-3
    assert state_sha256(alone) == state_sha256(trained(tiny("parallel.devices=1"))[0])


@pytest.mark.heavy
def test_an_auxiliary_head_learns_by_its_weight(tiny):
    heads = {}
    for weight in (0.0, 0.3):
        built = tiny("parallel.devices=1", weight=weight)
        before = jax.device_get(built.init_state().parameters["auxiliary"]["kernel"])
        heads[weight] = np.abs(trained(built)[0].parameters["auxiliary"]["kernel"] - before).max()
    assert heads[0.0] == 0
    assert heads[0.3] > 1e-4


def test_dropout_drops_as_often_as_it_should_and_keeps_the_mean():
    layer = Dropout(0.25)
    layer.keys = jax.random.split(jax.random.key(0), 64)
    y = np.asarray(layer(jax.numpy.ones((64, 1000))))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.01
    layer.eval()
    assert (np.asarray(layer(jax.numpy.ones((2, 3)))) == 1).all()
