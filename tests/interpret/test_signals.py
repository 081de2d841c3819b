"""Responses and gradients by layer, against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.data.batches import Batch
from src.interpret.signals import by_layer, kernel_gradients, response_stds
from src.models.functional import Network
from src.models.resnet_cifar import CifarResNet
from src.tasks.classification import Classification


@pytest.fixture
def module():
    return CifarResNet(8, "A", channels=1, outputs=10, rngs=nnx.Rngs(0))


def test_responses_are_those_after_normalization_in_the_order_of_the_layers(module):
    images = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
    module.eval()
    found = response_stds(module, images)
    blocks = [f"blocks.{block}.conv{conv}.norm" for block in range(3) for conv in (1, 2)]
    assert list(found) == ["stem.norm", *blocks]
    assert found["stem.norm"] == pytest.approx(float(module.stem(images).std()), rel=1e-5)
    inner = module.blocks[0].conv1(nnx.relu(module.stem(images)))
    assert found["blocks.0.conv1.norm"] == pytest.approx(float(inner.std()), rel=1e-5)


@pytest.mark.heavy
def test_the_gradient_of_a_linear_layer_is_the_known_one():
    class Linear(nnx.Module):
        def __init__(self):
            self.head = nnx.Linear(3, 2, rngs=nnx.Rngs(0))

        def __call__(self, x):
            return self.head(x.reshape(len(x), -1))

    module = Linear()
    images, labels = jax.random.normal(jax.random.key(1), (5, 1, 1, 3)), jnp.array([0, 1, 1, 0, 1])
    network = Network(module)
    batch = Batch(images, {"label": labels}, jnp.ones(5))
    tree = kernel_gradients(
        network, Classification(label_smoothing=0.0), network.parameters, network.batch_stats, batch
    )
    errors = jax.nn.softmax(module(images)) - jax.nn.one_hot(labels, 2)
    expected = np.linalg.norm(images.reshape(5, 3).T @ errors / 5)
    assert by_layer(tree, module) == {"head": pytest.approx(expected, rel=1e-5)}
