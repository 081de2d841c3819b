"""Relevance: what is conserved, one layer by hand, and networks that are no chains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.gradients import gradient_x_input
from src.interpret.relevance import relevance
from src.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from src.models.convnet import ConvNetSettings
from src.models.resnet_cifar import CifarResNet
from tests.interpret.test_gradients import Linear, Small, images


class Chain(nnx.Module):
    """Convolutions, ReLU, every kind of pooling, dense layers."""

    def __init__(self, *, bias=False):
        rngs = nnx.Rngs(3)
        self.conv1 = nnx.Conv(2, 6, (3, 3), use_bias=bias, rngs=rngs)
        self.pool1 = MaxPool(2)
        self.conv2 = nnx.Conv(6, 6, (3, 3), use_bias=bias, rngs=rngs)
        self.pool2 = AveragePool(3, 2, padding=1)
        self.collect = GlobalAveragePool()
        self.dense = nnx.Linear(6, 8, use_bias=bias, rngs=rngs)
        self.head = nnx.Linear(8, 4, use_bias=bias, rngs=rngs)

    def __call__(self, x):
        x = self.pool1(nnx.relu(self.conv1(x)))
        x = self.pool2(jnp.maximum(self.conv2(x), 0))
        return self.head(nnx.relu(self.dense(self.collect(x))))


@pytest.mark.heavy
@pytest.mark.parametrize("gamma", [0.0, 0.25, 2.0])
def test_relevance_is_conserved(gamma):
    network, x = Chain(), images(5, 8, 8, 2)
    targets = np.array([0, 1, 2, 3, 0])
    found = relevance(network, x, targets, epsilon=1e-7, gamma=gamma, batch_size=3)
    scores = np.asarray(network(x))[np.arange(5), targets]
    np.testing.assert_allclose(found.sum((1, 2, 3)), scores, rtol=1e-3, atol=1e-5)


def test_without_epsilon_and_gamma_it_is_gradient_times_input():
    network, x = Chain(bias=True), images(5, 8, 8, 2)
    np.testing.assert_allclose(relevance(network, x, 1, epsilon=0.0), gradient_x_input(network, x, 1), atol=1e-6)


@pytest.mark.parametrize(("epsilon", "gamma"), [(0.3, 0.0), (0.0, 0.5), (0.2, 0.25)])
def test_one_layer_by_hand(epsilon, gamma):
    network, x = Linear(), images(3, 2, 2, 3)
    network.head.bias[...] = jnp.array([0.5, -0.25, 0.1])
    weights, bias = np.asarray(network.head.kernel[...])[:, 2], 0.1
    flat = x.reshape(3, 12)
    z = flat @ weights + bias
    grown = weights + gamma * np.maximum(weights, 0)
    below = flat @ grown + bias * (1 + gamma)
    expected = flat * grown * (z / (below + epsilon * np.where(below < 0, -1, 1)))[:, None]
    found = relevance(network, x, 2, epsilon=epsilon, gamma=gamma)
    np.testing.assert_allclose(found.reshape(3, 12), expected, rtol=2e-4, atol=1e-6)


@pytest.mark.heavy
def test_the_chapters_convnet_is_a_chain():
    settings = ConvNetSettings(collect="global_max", filters=[4] * 5, batch_norm=False)
    network = settings.build((24, 24, 3), 10, rngs=nnx.Rngs(0))
    x = images(2, 24, 24, 3)
    found = relevance(network, x, 1, epsilon=1e-7)
    np.testing.assert_allclose(found.sum((1, 2, 3)), np.asarray(network(jnp.asarray(x)))[:, 1], rtol=1e-3, atol=1e-5)


class Residual(nnx.Module):
    def __init__(self):
        self.conv, self.head = nnx.Conv(2, 2, (3, 3), rngs=nnx.Rngs(0)), nnx.Linear(2, 4, rngs=nnx.Rngs(1))

    def __call__(self, x):
        return self.head((x + nnx.relu(self.conv(x))).mean((1, 2)))


class Tanh(Residual):
    def __call__(self, x):
        return self.head(jnp.tanh(self.conv(x)).mean((1, 2)))


@pytest.mark.parametrize(
    ("network", "channels", "message"),
    [
        (Small(), 2, "this network has a BatchNorm, norm"),
        (Residual(), 2, "this network also computes add"),
        (Tanh(), 2, "this network also computes tanh"),
        (CifarResNet(8, "A", channels=3, outputs=10, rngs=nnx.Rngs(0)), 3, "this network has a BatchNorm, stem.norm"),
    ],
)
def test_networks_that_are_no_chains_are_refused_in_one_line(network, channels, message):
    with pytest.raises(UserError, match=message):
        relevance(network, images(1, 6, 6, channels))


def test_negative_settings_are_refused():
    with pytest.raises(UserError, match="gamma=-1"):
        relevance(Linear(), images(1, 2, 2, 3), gamma=-1.0)


@pytest.mark.heavy
def test_gradients_of_what_is_jitted_are_found():
    class Jitted(Chain):
        def __call__(self, x):
            return jax.jit(super().__call__)(x)

    x = images(2, 8, 8, 2)
    np.testing.assert_allclose(relevance(Jitted(), x, 0), relevance(Chain(), x, 0), atol=1e-6)
