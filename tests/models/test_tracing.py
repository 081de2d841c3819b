"""Deep networks are traced in a time that grows with their depth."""

import cProfile

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.models.functional import Network
from src.models.summary import model_layers
from src.models.tracing import Statistic, abstract_rngs
from src.zoo.named import named_model

SHAPE, CLASSES = (8, 8, 1), 10


def summary(settings):
    model_layers(settings, SHAPE, CLASSES)


def training(settings):
    network = Network(nnx.eval_shape(lambda: settings.build(SHAPE, CLASSES, rngs=abstract_rngs())))
    images = jax.ShapeDtypeStruct((2, *SHAPE), jnp.float32)
    jax.eval_shape(lambda *given: network.train(*given, None), network.parameters, network.batch_stats, images)


def calls(trace, depth):
    """How many functions are called for a network of so many layers."""
    profile = cProfile.Profile()
    profile.runcall(trace, named_model("resnet", depth=depth))
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.heavy
@pytest.mark.parametrize("trace", [summary, training])
def test_tracing_takes_as_long_as_the_network_is_deep(trace):
    trace(named_model("resnet", depth=8))  # what is done once
    few, some, many = (calls(trace, depth) for depth in (14, 32, 50))
    assert (many - some) / (some - few) == pytest.approx(1, abs=0.02)


def test_parameters_are_drawn_from_different_keys():
    rngs = abstract_rngs()
    assert len({tuple(jax.random.key_data(rngs.params()).tolist()) for _ in range(3)}) == 3


def test_a_statistic_is_replaced_as_a_whole():
    statistic = Statistic(jnp.zeros(3))
    statistic[...] = jnp.ones(3)
    assert statistic.get_value().sum() == 3
    with pytest.raises(IndexError):
        statistic[0] = 5.0
