"""Lesions, against networks in which the same was done by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.data.batches import Constants, DeviceDataset
from src.interpret import lesions
from src.interpret.lesions import (
    BATCH,
    error,
    like_pairs,
    make_removable,
    random_modules,
    reordered,
    swapped,
    take_out,
)
from src.tasks.classification import Classification
from src.zoo.named import named_model

TASK = Classification(label_smoothing=0.0)
IMAGES = jax.random.normal(jax.random.key(0), (3, 8, 8, 1))


def made(name, **changes):
    network = named_model(name, **changes).build((8, 8, 1), 10, rngs=nnx.Rngs(0))
    network.eval()
    return network


def resnet(depth=14, shortcut="A"):
    return made("resnet_preact", depth=depth, shortcut=shortcut)


def split(examples):
    images = np.random.default_rng(0).integers(0, 256, (examples, 8, 8, 1), np.uint8)
    labels = np.arange(examples, dtype=np.int32) % 10
    return DeviceDataset(
        images, {"label": labels}, Constants(np.zeros((1, 1, 1), np.float32), np.full((1, 1, 1), 255, np.float32))
    )


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_a_block_without_its_branch_is_its_shortcut(shortcut):
    for number in range(3):
        network, by_hand = resnet(8, shortcut), resnet(8, shortcut)
        take_out(make_removable(network), {number})
        x = by_hand.stem(IMAGES)
        for place, block in enumerate(by_hand.blocks):
            active = nnx.relu(block.norm(x))
            alone = block.shortcut(active if block.activated else x)
            x = alone if place == number else alone + block.branch(active)
        expected = by_hand.head(by_hand.pool(nnx.relu(by_hand.norm(x))))
        np.testing.assert_allclose(network(IMAGES), expected, rtol=1e-5, atol=1e-5)


def test_layers_that_are_put_back_are_there_again():
    network = resnet()
    whole = network(IMAGES)
    layers = make_removable(network)
    np.testing.assert_array_equal(network(IMAGES), whole)
    take_out(layers, range(6))
    assert not jnp.allclose(network(IMAGES), whole)
    take_out(layers, [])
    np.testing.assert_array_equal(network(IMAGES), whole)


@pytest.mark.heavy
@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_vgg_layer_is_taken_out_with_its_relu(batch_norm):
    settings = {"small": True, "batch_norm": batch_norm}
    network, by_hand = made("vgg9", **settings), made("vgg9", **settings)
    layers = make_removable(network)
    assert len(layers) == 4  # of 2 + 2 + 3 convolutions, the first of each stage has more outputs than inputs
    take_out(layers, {2})
    del by_hand.stages[2].convs[1]
    np.testing.assert_allclose(network(IMAGES), by_hand(IMAGES), rtol=1e-5, atol=1e-5)


def test_vgg16_has_nine_layers_that_keep_their_channels():
    assert len(make_removable(nnx.eval_shape(lambda: made("vgg16", small=True, batch_norm=True)))) == 9


def test_a_plain_block_is_taken_out_whole_unless_it_halves_the_image():
    network, by_hand = resnet(shortcut="none"), resnet(shortcut="none")
    layers = make_removable(network)
    assert len(layers) == 4  # of six blocks
    take_out(layers, {3})
    del by_hand.blocks[5]
    np.testing.assert_allclose(network(IMAGES), by_hand(IMAGES), rtol=1e-5, atol=1e-5)


def test_a_plain_block_that_adds_channels_stays():
    assert len(make_removable(made("wide_resnet", depth=16, width=2, shortcut="none"))) == 3


def test_networks_without_branches_are_refused():
    with pytest.raises(UserError, match="resnet_preact and wide_resnet with shortcuts only"):
        make_removable(made("resnet", depth=8))


def test_random_modules_are_different_ones():
    found = [random_modules(9, 4, jax.random.key(number)) for number in range(20)]
    assert all(len(set(modules)) == 4 and set(modules) <= set(range(9)) for modules in found)
    assert set().union(*found) == set(range(9))
    assert len({tuple(modules) for modules in found}) > 10


@pytest.mark.parametrize("take", [False, True])
def test_blocks_of_one_stage_can_change_places_unless_they_are_wired_otherwise(take):
    """The first block of all has its shortcut behind the ReLU, the first of stages 2 and 3 halve the image."""
    network = resnet(20)
    if take:
        make_removable(network)
    assert like_pairs(network) == [(1, 2), (4, 5), (7, 8)]


def test_swaps_exchange_the_blocks_of_a_pair():
    pairs = [(1, 2), (4, 5)]
    orders = {tuple(swapped(6, pairs, 1, jax.random.key(number))) for number in range(20)}
    assert orders == {(0, 2, 1, 3, 4, 5), (0, 1, 2, 3, 5, 4)}
    assert swapped(6, pairs, 0, jax.random.key(0)) == [0, 1, 2, 3, 4, 5]
    assert {tuple(swapped(6, pairs[:1], 2, jax.random.key(number))) for number in range(5)} == {(0, 1, 2, 3, 4, 5)}


def test_a_reordered_network_applies_its_blocks_in_that_order():
    network = resnet(20)
    order = [0, 2, 1, 3, 4, 5, 6, 8, 7]
    x = network.stem(IMAGES)
    for number in order:
        x = network.blocks[number](x)
    expected = network.head(network.pool(nnx.relu(network.norm(x))))
    whole = network(IMAGES)
    changed = reordered(network, order)
    np.testing.assert_allclose(changed(IMAGES), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(network(IMAGES), whole)
    assert nnx.graphdef(changed) == nnx.graphdef(network)


@pytest.mark.heavy
def test_the_error_is_that_of_all_images():
    network, data = resnet(8), split(BATCH + 7)
    predicted = network(data.inputs / jnp.float32(255)).argmax(axis=-1)
    expected = 100 * float(jnp.mean(predicted != data.targets["label"]))
    assert expected > 0
    assert error(network, TASK, data) == pytest.approx(expected, abs=0.2)


def test_lesions_and_orders_share_one_program():
    network, data = resnet(20), split(10)
    layers = make_removable(network)
    error(network, TASK, data)
    programs = lesions._sums._cache_size()
    take_out(layers, {3, 5})
    error(network, TASK, data)
    error(reordered(network, [0, 2, 1, 3, 4, 5, 6, 7, 8]), TASK, data)
    assert lesions._sums._cache_size() == programs
