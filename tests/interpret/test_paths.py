"""Gradients along single paths: all of them together are the gradient."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.data.batches import Batch, Constants, DeviceDataset
from src.interpret import paths
from src.interpret.paths import add_gates, carrying_lengths, path_gradient, sampled_norms
from src.layers.blocks import Identity
from src.tasks.classification import Classification
from src.zoo.named import named_model

TASK = Classification(label_smoothing=0.0)
BATCH = Batch(jax.random.normal(jax.random.key(0), (4, 8, 8, 1)), {"label": jnp.array([3, 1, 4, 1])}, jnp.ones(4))
KEY = jax.random.key(5)


def resnet(shortcut="A"):
    network = named_model("resnet_preact", depth=8, shortcut=shortcut).build((8, 8, 1), 10, rngs=nnx.Rngs(0))
    network.eval()
    return network


def all_paths(modules):
    return [jnp.array(path) for path in product((False, True), repeat=modules)]


def whole_gradient(network):
    return jax.grad(lambda images: TASK.losses(network(images), BATCH).mean())(BATCH.inputs)


@pytest.mark.heavy
@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_the_gradients_of_all_eight_paths_add_up_to_the_whole(shortcut):
    expected = whole_gradient(resnet(shortcut))
    network = resnet(shortcut)
    add_gates(network)
    parts = [path_gradient(network, TASK, BATCH, path) for path in all_paths(len(network.blocks))]
    assert len(parts) == 8
    np.testing.assert_allclose(sum(parts), expected, rtol=1e-4, atol=1e-6 * float(jnp.abs(expected).max()))
    assert all(jnp.abs(part).max() > 0 for part in parts)


@pytest.mark.heavy
def test_gates_do_not_change_the_outputs():
    network = resnet()
    whole = network(BATCH.inputs)
    add_gates(network)
    for block, inside in zip(network.blocks, (True, False, True), strict=True):
        block.branch.open[...], block.shortcut.open[...] = jnp.array(inside), jnp.array(not inside)
    np.testing.assert_array_equal(network(BATCH.inputs), whole)


class Linear(nnx.Module):
    """x + B x in each block, so that the outputs themselves are a sum over paths."""

    def __init__(self, blocks):
        rngs = nnx.Rngs(1)
        self.blocks = nnx.List(LinearBlock(rngs) for _ in range(blocks))

    def __call__(self, x):
        x = x.reshape(len(x), -1)
        for block in self.blocks:
            x = block(x)
        return x


class LinearBlock(nnx.Module):
    def __init__(self, rngs):
        self.branch = nnx.Linear(4, 4, use_bias=False, rngs=rngs)
        self.shortcut = Identity()

    def __call__(self, x):
        return self.shortcut(x) + self.branch(x)


class Chosen(Classification):
    """The first output in place of a loss."""

    def losses(self, outputs, batch):
        return outputs[:, 0]


def test_paths_of_a_linear_network_are_products_of_its_matrices(monkeypatch):
    monkeypatch.setattr(paths, "residual_blocks", lambda network: network.blocks)
    network = Linear(3)
    matrices = [block.branch.kernel[...] for block in network.blocks]
    images = jax.random.normal(jax.random.key(2), (1, 2, 2, 1))
    output = network(images)[0, 0]
    batch = Batch(images, {"label": jnp.zeros(1, jnp.int32)}, jnp.ones(1))
    add_gates(network)
    total = 0.0
    for path in all_paths(len(network.blocks)):
        found = path_gradient(network, Chosen(label_smoothing=0.0), batch, path)
        product = jnp.eye(4)
        for inside, matrix in zip(path, matrices, strict=True):
            product = product @ matrix if inside else product
        np.testing.assert_allclose(found.reshape(4), product[:, 0], rtol=1e-5, atol=1e-6)
        total += float(jnp.vdot(found, images))
    assert total == pytest.approx(float(output), rel=1e-5)


@pytest.mark.heavy
def test_sampled_paths_have_their_length():
    """There is one path of no branches and one of all; a batch of all images leaves nothing else to chance."""
    data = DeviceDataset(
        np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8, 1),
        {"label": np.array([3, 1, 4, 1])},
        Constants(np.float32(100), np.float32(50)),
    )
    network = resnet()
    add_gates(network)
    batch = Batch((data.inputs - data.constants.mean) / data.constants.std, data.targets, jnp.ones(4))

    def norms(length):
        lengths = [path for path in all_paths(3) if path.sum() == length]
        return [float(jnp.linalg.norm(path_gradient(network, TASK, batch, path))) for path in lengths]

    for length in range(4):
        found = sampled_norms(network, TASK, data, length, samples=12, size=4, key=KEY)
        nearest = [min(norms(length), key=lambda norm, value=value: abs(norm - value)) for value in found]
        np.testing.assert_allclose(found, nearest, rtol=1e-4)
        assert len(set(nearest)) == (1 if length in (0, 3) else 3)


def test_networks_without_shortcuts_have_no_paths():
    with pytest.raises(UserError, match="with shortcuts only"):
        add_gates(resnet("none"))


@pytest.mark.parametrize(
    ("magnitudes", "share", "lengths"),
    [
        ([0, 0, 6, 3, 1, 0], 0.9, (2, 3)),
        ([0, 0, 6, 3, 1, 0], 1.0, (2, 4)),
        ([1, 2, 2, 1], 0.5, (1, 2)),
        ([5], 0.95, (0, 0)),
    ],
)
def test_the_fewest_lengths_that_carry_a_share(magnitudes, share, lengths):
    assert carrying_lengths(np.array(magnitudes, np.float32), share) == lengths
