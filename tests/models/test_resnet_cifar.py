from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.layers.blocks import he_normal
from src.layers.shortcuts import PadShortcut, make_shortcut
from src.models.base import abstract_network
from src.models.resnet_cifar import CifarResNet, CifarResNetSettings
from src.models.summary import SHAPES, as_table, layers
from src.models.tracing import abstract_rngs
from tests.models.networks import parameter_count

# He et al. 2015, Table 6; counts recomputed from the description.
PARAMETERS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}


def make(depth, shortcut, rngs=None):
    return CifarResNet(depth, shortcut, channels=3, outputs=10, rngs=rngs or nnx.Rngs(0))


@pytest.mark.parametrize(("depth", "parameters"), PARAMETERS.items())
def test_parameter_counts_are_those_of_the_paper(depth, parameters):
    for shortcut, more in (("A", 0), ("none", 0), ("B", 2_752)):
        settings = CifarResNetSettings(depth=depth, shortcut=shortcut)
        assert parameter_count(abstract_network(settings, (32, 32, 3), 10)) == parameters + more


@pytest.mark.parametrize("shortcut", ["B", "none"])
@pytest.mark.parametrize("width", [2, 8])
def test_a_width_multiplies_all_filters_as_in_li_et_al(width, shortcut):
    """Computed by the description: 3x3 convolutions with normalization, 1x1 ones in two shortcuts."""
    total, inputs = 9 * 3 * 16 * width + 2 * 16 * width, 16 * width
    for filters in (16 * width, 32 * width, 64 * width):
        for _ in range(9):
            total += 9 * inputs * filters + 9 * filters**2 + 4 * filters
            total += inputs * filters + 2 * filters if shortcut == "B" and inputs != filters else 0
            inputs = filters
    settings = CifarResNetSettings(depth=56, shortcut=shortcut, width=width)
    found = abstract_network(settings, (32, 32, 3), 10)
    assert parameter_count(found) == total + 10 * inputs + 10


@pytest.mark.parametrize("depth", [8, 20])
def test_depth_counts_weighted_layers_on_the_longest_path(depth):
    rows = layers(lambda: make(depth, "A"), (32, 32, 3))
    assert sum(row.kind in ("Conv", "Linear") for row in rows) == depth


def test_stages_have_the_sizes_of_the_paper():
    rows = {row.name: row.output_shape for row in layers(lambda: make(20, "A"), (32, 32, 3))}
    assert rows["stem.conv"] == rows["blocks.2.conv2.conv"] == (32, 32, 16)
    assert rows["blocks.3.conv1.conv"] == rows["blocks.5.conv2.conv"] == (16, 16, 32)
    assert rows["blocks.6.conv1.conv"] == rows["blocks.8.conv2.conv"] == (8, 8, 64)
    assert rows["head"] == (10,)


def test_the_layer_table_is_in_the_order_of_the_network_and_complete():
    rows = layers(lambda: make(8, "B"), (32, 32, 3))
    assert rows[0].name == "stem.conv"
    assert rows[-1].name == "head"
    assert sum(row.parameters for row in rows) == parameter_count(make(8, "B"))
    total, kernels = parameter_count(make(8, "B")), sum(row.parameters for row in rows if row.kind == "Conv") + 640
    kernel = {"decayed": lambda layer: sum(prod(shape) for shape in layer.tensors if len(shape) > 1)}
    *_, last = as_table(rows, SHAPES | kernel).splitlines()
    assert last.split() == ["total", f"{total:,}", f"{kernels:,}"]


def test_option_a_takes_every_other_pixel_and_pads_with_zeros():
    x = jnp.arange(2 * 4 * 4 * 3, dtype=jnp.float32).reshape(2, 4, 4, 3)
    y = PadShortcut(2, 3)(x)
    np.testing.assert_array_equal(y[..., :3], x[:, ::2, ::2])
    assert y.shape == (2, 2, 2, 6)
    assert not y[..., 3:].any()


def test_a_plain_network_is_the_residual_one_without_its_shortcuts():
    residual, plain = make(8, "A"), make(8, "none")
    block, bare = residual.blocks[1], plain.blocks[1]
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 16))
    before = bare.conv2(nnx.relu(bare.conv1(x)))
    np.testing.assert_allclose(block(x), nnx.relu(before + block.shortcut(x)), rtol=1e-6)
    np.testing.assert_allclose(bare(x), nnx.relu(before), rtol=1e-6)


def test_stride_two_looks_at_the_pixels_that_the_papers_pad_for():
    """Padding 1 on both sides: the first output sees the first pixel at the centre of its filter."""
    conv = make(8, "A").blocks[1].conv1.conv
    conv.kernel[...] = jnp.zeros_like(conv.kernel[...]).at[1, 1, 0, 0].set(1.0)
    x = jax.random.normal(jax.random.key(0), (1, 8, 8, 16))
    np.testing.assert_allclose(conv(x)[0, :, :, 0], x[0, ::2, ::2, 0], rtol=1e-6)


def test_initialization_has_the_variance_of_he_et_al():
    kernel = he_normal(jax.random.key(0), (3, 3, 64, 256), jnp.float32)
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.01)
    assert abs(kernel).max() > 4 * kernel.std()  # a Gaussian that is not cut off


@pytest.mark.parametrize("shortcut", ["A", "B", "none"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 16, 3), (15, 17, 3)])
def test_images_of_other_sizes_pass_through(shortcut, shape):
    settings = CifarResNetSettings(depth=8, shortcut=shortcut)
    out = jax.eval_shape(lambda: settings.build(shape, 7, rngs=abstract_rngs())(jnp.zeros((2, *shape))))
    assert out.shape == (2, 7)


@pytest.mark.parametrize(("option", "before"), [("A", 0), ("A_centred", 8)])
def test_the_zeros_of_option_a_are_behind_or_on_both_sides(option, before):
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 16)).astype(np.float32)
    shortcut = make_shortcut(option, 16, 32, 2, project=lambda: pytest.fail("option B"))
    padded = np.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (before, 16 - before)))
    np.testing.assert_array_equal(shortcut(jnp.asarray(x)), padded)
