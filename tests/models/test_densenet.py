import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.densenet import DenseLayer, Plan
from tests.models.networks import abstract, parameter_count, read, table, total_count

pytestmark = pytest.mark.heavy  # deep networks take seconds each to trace


@pytest.mark.parametrize(
    ("name", "parameters"),
    {
        "densenet121": 7_978_856,
        "densenet169": 14_149_480,
        "densenet201": 20_013_928,
        "densenet_cifar": 1_019_722,
        "densenet_bc_cifar": 769_162,
    }.items(),
)
def test_parameter_counts_are_those_of_torchvision_and_the_paper(name, parameters):
    assert parameter_count(abstract(read(name))) == parameters


def test_parameter_counts_are_those_of_keras():
    model = abstract(read("densenet121", variant="keras"))
    assert total_count(model) == 8_062_504
    assert parameter_count(model) == 7_978_856


@pytest.mark.parametrize("name", ["densenet121", "densenet_cifar", "densenet_bc_cifar"])
def test_depth_counts_weighted_layers(name):
    settings = read(name)
    rows = table(settings, settings.published.input_shape)
    assert sum(row.kind in ("Conv", "Linear") for row in rows) == settings.depth


@pytest.mark.parametrize(
    ("name", "sizes"),
    {
        "densenet121": [(112, 112, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512), (7, 7, 1024)],
        "densenet_cifar": [(32, 32, 16), (16, 16, 160), (8, 8, 304), (8, 8, 448)],
        "densenet_bc_cifar": [(32, 32, 24), (16, 16, 108), (8, 8, 150), (8, 8, 342)],
    }.items(),
)
def test_transitions_have_the_sizes_of_the_paper(name, sizes):
    settings = read(name)
    rows = table(settings, settings.published.input_shape)
    pooled = [row.output_shape for row in rows if row.kind == "AveragePool"]
    last = next(row.output_shape for row in rows if row.name == "norm")
    assert [rows[0].output_shape, *pooled, last] == sizes


def test_the_small_version_halves_the_size_between_blocks_only():
    rows = table(read("densenet121", small=True), (32, 32, 3), 10)
    pooled = [row.output_shape for row in rows if row.kind in ("AveragePool", "MaxPool")]
    assert rows[0].output_shape == (32, 32, 64)
    assert pooled == [(16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert sum(row.kind in ("Conv", "Linear") for row in rows) == 121


@pytest.mark.parametrize("bottleneck", [True, False])
def test_a_layer_adds_channels_and_keeps_those_that_it_saw(bottleneck):
    plan = Plan((1,), growth=3, stem=8, bottleneck=bottleneck, compression=1.0, epsilon=1e-5)
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 8))
    y = DenseLayer(8, plan, rngs=nnx.Rngs(0))(x)
    assert y.shape == (2, 4, 4, 11)
    np.testing.assert_array_equal(y[..., :8], x)


@pytest.mark.parametrize(
    ("name", "shape"), [("densenet121", (29, 40, 3)), ("densenet_cifar", (28, 28, 1)), ("densenet_cifar", (4, 4, 3))]
)
def test_images_of_other_sizes_pass_through(name, shape):
    assert table(read(name), shape, 7)[-1].output_shape == (7,)


def test_images_that_are_too_small_for_imagenet_are_offered_the_small_version():
    with pytest.raises(UserError, match=r"model\.small=true takes smaller ones"):
        read("densenet121").build((28, 28, 3), 10, rngs=nnx.Rngs(0))
    with pytest.raises(UserError, match=r"at least 8x8, not 7x7$"):
        read("densenet121", small=True).build((7, 7, 3), 10, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("name", "side", "smallest"), [("densenet121", 28, "DenseNet-121 .* 29x29"), ("densenet_cifar", 3, "CIFAR .* 4x4")]
)
def test_images_that_are_too_small_are_refused(name, side, smallest):
    with pytest.raises(UserError, match=f"{smallest}, not {side}x{side}"):
        read(name).build((side, side, 3), 10, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("name", "depth", "message"),
    [
        ("densenet_cifar", 41, "depth=41: this dense network has 3n.4 layers; nearest: 40"),
        ("densenet_bc_cifar", 2, "depth=2: this dense network has 6n.4 layers; nearest: 10"),
    ],
)
def test_a_depth_that_does_not_divide_into_blocks_is_refused(name, depth, message):
    with pytest.raises(UserError, match=message):
        read(name, depth=depth)
