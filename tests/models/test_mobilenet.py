from functools import partial
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.blocks import ConvNormReLU6
from src.models.mobilenet import SeparableBlock
from src.models.mobilenet_v2 import InvertedResidual
from tests.models.networks import abstract, conv, parameter_count, read, table, total_count


@pytest.mark.parametrize(
    ("name", "changes", "total", "trainable"),
    [
        ("mobilenet", {}, 4_253_864, 4_231_976),
        ("mobilenet_v2", {"variant": "keras"}, 3_538_984, 3_504_872),
        ("mobilenet_v2", {"variant": "torchvision"}, 3_538_984, 3_504_872),
    ],
)
def test_parameter_counts_are_those_of_keras_and_torchvision(name, changes, total, trainable):
    model = abstract(read(name, **changes))
    assert total_count(model) == total
    assert parameter_count(model) == trainable


def test_multiplications_are_those_of_the_paper():
    """Table 4: 569 million."""
    rows = table(read("mobilenet"), (224, 224, 3), 1000)
    convolutions = sum(prod(row.output_shape[:2]) * row.parameters for row in rows if row.kind == "Conv")
    assert convolutions + 1024 * 1000 == 568_740_352


def test_stages_have_the_sizes_of_the_figure():
    rows = {row.name: row.output_shape for row in table(read("mobilenet"), (224, 224, 3), 1000)}
    assert rows["stem.conv"] == (112, 112, 32)
    assert [rows[f"blocks.{block}.pointwise.conv"] for block in (0, 2, 4, 10, 12)] == [
        (112, 112, 64),
        (56, 56, 128),
        (28, 28, 256),
        (14, 14, 512),
        (7, 7, 1024),
    ]


def test_stages_of_the_second_version_have_the_sizes_of_the_paper():
    rows = {row.name: row.output_shape for row in table(read("mobilenet_v2"), (224, 224, 3), 1000)}
    assert [rows[f"blocks.{block}.project.conv"] for block in (0, 2, 5, 9, 12, 15, 16)] == [
        (112, 112, 16),
        (56, 56, 24),
        (28, 28, 32),
        (14, 14, 64),
        (14, 14, 96),
        (7, 7, 160),
        (7, 7, 320),
    ]
    assert rows["last.conv"] == (7, 7, 1280)


@pytest.mark.heavy
@pytest.mark.parametrize(("name", "last"), [("mobilenet", 1024), ("mobilenet_v2", 1280)])
def test_the_small_version_keeps_four_by_four_pixels(name, last):
    rows = table(read(name, small=True), (32, 32, 3), 7)
    assert [row.output_shape for row in rows[-4:]] == [(4, 4, last), (last,), (last,), (7,)]
    assert table(read(name, small=True), (28, 28, 1), 7)[-1].output_shape == (7,)


@pytest.mark.parametrize("variant", ["keras", "torchvision"])
def test_images_of_other_sizes_pass_through(variant):
    assert table(read("mobilenet_v2", variant=variant), (33, 47, 2), 7)[-1].output_shape == (7,)


def test_a_width_multiplies_the_channels_of_all_layers():
    rows = {row.name: row.output_shape for row in table(read("mobilenet", width=0.25), (32, 32, 3), 7)}
    assert rows["stem.conv"] == (16, 16, 8)
    assert rows["pool"] == (256,)


def test_a_depthwise_filter_sees_its_own_channel():
    block = SeparableBlock(4, 8, stride=1, rngs=nnx.Rngs(0))
    y = block.depthwise.conv(jnp.zeros((1, 4, 4, 4)).at[..., 1].set(1.0))
    np.testing.assert_array_equal(abs(y).sum(axis=(0, 1, 2)) > 0, [False, True, False, False])


def test_strides_look_at_the_pixels_that_keras_pads_for():
    """Zeros below and on the right alone: the first output sees the second pixel at the centre of its filter."""
    depthwise = SeparableBlock(1, 1, stride=2, rngs=nnx.Rngs(0)).depthwise.conv
    depthwise.kernel[...] = jnp.zeros_like(depthwise.kernel[...]).at[1, 1, 0, 0].set(1.0)
    x = jax.random.normal(jax.random.key(0), (1, 8, 8, 1))
    np.testing.assert_allclose(depthwise(x), x[:, 1::2, 1::2], rtol=1e-6)


@pytest.mark.heavy
def test_an_inverted_residual_is_linear_where_it_is_narrow():
    block = InvertedResidual(partial(ConvNormReLU6, rngs=nnx.Rngs(0)), conv, 4, 4, stride=1, expansion=6)
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 4))
    assert block.expand.conv.out_features == 24
    assert block(x).min() < 0
    block.project.norm.scale[...] = jnp.zeros(4)
    np.testing.assert_array_equal(block(x), x)


@pytest.mark.parametrize(
    ("small", "side", "message"), [(False, 31, "32x32, not 31x31; model.small"), (True, 7, "8x8, not")]
)
def test_images_that_are_too_small_are_refused(small, side, message):
    settings = read("mobilenet", small=small)
    with pytest.raises(UserError, match=message):
        settings.build((side, side, 3), 10, rngs=nnx.Rngs(0))
    assert table(settings, (side + 1, side + 1, 3), 7)[-1].output_shape == (7,)


def test_a_width_without_channels_is_refused():
    with pytest.raises(UserError, match=r"width=0\.01: the first layer would have no channels; smallest: 0\.03125"):
        read("mobilenet", width=0.01)
