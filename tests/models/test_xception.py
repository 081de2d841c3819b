from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.separable import SeparableConv
from src.models.summary import layers
from src.models.xception import Block
from tests.models.networks import abstract, parameter_count, read, shapes, total_count


def test_parameter_counts_are_those_of_keras():
    model = abstract(read("xception"))
    assert total_count(model) == 22_910_480
    assert parameter_count(model) == 22_855_952


def test_maps_have_the_sizes_of_the_paper():
    found = shapes(read("xception"))
    assert found["stem1.conv"] == (149, 149, 32)
    assert found["stem2.conv"] == (147, 147, 64)
    assert [found[f"blocks.{number}.pool"] for number in (0, 1, 2, 11)] == [
        (74, 74, 128),
        (37, 37, 256),
        (19, 19, 728),
        (10, 10, 1024),
    ]
    assert {found[f"blocks.{number}.convs.2.norm"] for number in range(3, 11)} == {(19, 19, 728)}
    assert found["tail.1.norm"] == (10, 10, 2048)


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_has_seven_by_seven_pixels_in_the_middle(shape):
    found = shapes(read("xception", small=True), shape, 10)
    assert found["blocks.0.convs.1.norm"][0] == shape[0] - 4
    assert found["blocks.3.convs.0.norm"] == ((shape[0] - 1) // 4, (shape[0] - 1) // 4, 728)
    assert found["head"] == (10,)


@pytest.mark.parametrize(("small", "smallest"), [(False, 7), (True, 5)])
def test_the_smallest_image_is_the_smallest_that_works(small, smallest):
    assert shapes(read("xception", small=small), (smallest, smallest, 3), 10)["head"] == (10,)
    with pytest.raises(UserError, match=f"Xception takes images of at least {smallest}x{smallest}, not {smallest - 1}"):
        read("xception", small=small).build((smallest - 1, smallest, 3), 10, rngs=nnx.Rngs(0))


def test_a_separable_convolution_is_a_convolution_whose_filters_are_products():
    conv = SeparableConv(3, 5, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (1, 6, 6, 3))
    whole = nnx.Conv(3, 5, (3, 3), use_bias=False, rngs=nnx.Rngs(0))
    whole.kernel[...] = jnp.einsum("hwc,cd->hwcd", conv.depthwise.kernel[...][:, :, 0], conv.pointwise.kernel[0, 0])
    np.testing.assert_allclose(conv(x), whole(x), rtol=1e-4, atol=1e-5)


def test_a_separable_convolution_saves_what_the_chapter_says():
    """1/N + 1/K² of the multiplications."""
    rows = layers(lambda: SeparableConv(16, 64, rngs=nnx.Rngs(0)), (8, 8, 16))
    separable = sum(8 * 8 * prod(row.tensors[0]) for row in rows)
    assert separable / (8 * 8 * 9 * 16 * 64) == pytest.approx(1 / 64 + 1 / 9)


def test_a_block_of_the_middle_flow_adds_to_its_input():
    block = Block(4, (4, 4, 4), stride=1, relu_first=True, rngs=nnx.Rngs(0))
    block.convs[2].norm.scale[...] = jnp.zeros(4)
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 4))
    np.testing.assert_array_equal(block(x), x)
