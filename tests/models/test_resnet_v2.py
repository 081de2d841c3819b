import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.models.resnet_v2 import PreActivationBottleneck, ZeroPaddedMaxPool
from tests.models.networks import abstract, read, table, total_count


@pytest.mark.parametrize(
    ("depth", "total"),
    [(50, 25_613_800), (101, 44_675_560), pytest.param(152, 60_380_648, marks=pytest.mark.heavy)],
)
def test_parameter_counts_are_those_of_keras(depth, total):
    assert total_count(abstract(read(f"resnet{depth}_v2"))) == total


def test_stages_have_the_sizes_of_keras():
    rows = {row.name: row.output_shape for row in table(read("resnet50_v2"), (224, 224, 3))}
    assert rows["stem"] == (112, 112, 64)
    assert rows["shrink.pool"] == (56, 56, 64)
    assert [rows[f"blocks.{last}.conv3"] for last in (1, 2, 6, 12, 15)] == [
        (56, 56, 256),
        (28, 28, 256),
        (14, 14, 512),
        (7, 7, 1024),
        (7, 7, 2048),
    ]


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_keeps_four_by_four_pixels(shape):
    *_, last, _, head = table(read("resnet50_v2", small=True), shape, 7)
    assert last.output_shape == (4, 4, 2048)
    assert head.output_shape == (7,)


def test_images_of_other_sizes_pass_through():
    assert table(read("resnet50_v2"), (33, 47, 2), 7)[-1].output_shape == (7,)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_that_adds_nothing_passes_its_input_on_with_its_sign(stride):
    block = PreActivationBottleneck(16, 4, stride=stride, rngs=nnx.Rngs(0))
    block.conv3.kernel[...] = jnp.zeros_like(block.conv3.kernel[...])
    x = jax.random.normal(jax.random.key(0), (2, 5, 5, 16))
    np.testing.assert_array_equal(block(x), x[:, ::stride, ::stride])


def test_zeros_surround_the_image_of_the_pooling_as_in_keras():
    pooled = ZeroPaddedMaxPool()(jnp.full((1, 6, 6, 1), -1.0))[0, :, :, 0]
    np.testing.assert_array_equal(pooled, [[0, 0, 0], [0, -1, -1], [0, -1, -1]])
