import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.resnet import BasicBlock, Bottleneck
from tests.models.networks import abstract, conv, parameter_count, read, table, total_count


@pytest.mark.parametrize(
    ("name", "parameters"),
    {
        "resnet18": 11_689_512,
        "resnet34": 21_797_672,
        "resnet50": 25_557_032,
        "resnet101": 44_549_160,
        "resnet152": 60_192_808,
        "resnext50_32x4d": 25_028_904,
        "resnext101_32x8d": 88_791_336,
    }.items(),
)
def test_parameter_counts_are_those_of_torchvision(name, parameters):
    assert parameter_count(abstract(read(name))) == parameters


@pytest.mark.parametrize(
    ("depth", "total"),
    [(50, 25_636_712), (101, 44_707_176), pytest.param(152, 60_419_944, marks=pytest.mark.heavy)],
)
def test_parameter_counts_are_those_of_keras(depth, total):
    assert total_count(abstract(read(f"resnet{depth}", variant="keras"))) == total


def test_keras_trains_all_but_the_running_statistics():
    assert parameter_count(abstract(read("resnet50", variant="keras"))) == 25_583_592


@pytest.mark.parametrize(
    ("variant", "reduced"), [("torchvision", (56, 56, 128)), ("keras", (28, 28, 128))], ids=["torchvision", "keras"]
)
def test_stages_have_the_sizes_of_the_paper_and_stride_where_the_variant_does(variant, reduced):
    rows = {row.name: row.output_shape for row in table(read("resnet50", variant=variant), (224, 224, 3), 1000)}
    assert rows["stem.conv"] == (112, 112, 64)
    assert rows["shrink"] == (56, 56, 64)
    assert [rows[f"blocks.{last}.conv3.conv"] for last in (2, 6, 12, 15)] == [
        (56, 56, 256),
        (28, 28, 512),
        (14, 14, 1024),
        (7, 7, 2048),
    ]
    assert rows["blocks.3.conv1.conv"] == reduced
    assert rows["blocks.3.conv2.conv"] == (28, 28, 128)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_depth_counts_weighted_layers_on_the_longest_path(name):
    settings = read(name, small=True)
    rows = table(settings, (32, 32, 3))
    assert sum(row.kind in ("Conv", "Linear") and "shortcut" not in row.name for row in rows) == settings.depth


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d"])
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_keeps_four_by_four_pixels(name, shape):
    *_, last, _, head = table(read(name, small=True), shape, 7)
    assert last.output_shape[:2] == (4, 4)
    assert head.output_shape == (7,)


@pytest.mark.parametrize("shape", [(1, 1, 3), (33, 47, 2)])
def test_images_of_other_sizes_pass_through(shape):
    assert table(read("resnet18"), shape, 7)[-1].output_shape == (7,)


@pytest.mark.parametrize(
    "block",
    [
        BasicBlock(conv, 8, 8, 1),
        Bottleneck(conv, 32, 8, 1, paths=1, path_width=64, early_stride=False),
    ],
    ids=["basic", "bottleneck"],
)
def test_a_block_that_adds_nothing_passes_its_input_on(block):
    last = block.conv3 if isinstance(block, Bottleneck) else block.conv2
    last.norm.scale[...] = jnp.zeros_like(last.norm.scale[...])
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, block.outputs))
    np.testing.assert_array_equal(block(x), nnx.relu(x))


def test_paths_of_a_resnext_do_not_see_each_other():
    block = Bottleneck(conv, 16, 64, 1, paths=4, path_width=2, early_stride=False)
    x = jnp.zeros((1, 4, 4, 8)).at[..., :2].set(1.0)
    seen = abs(block.conv2.conv(x)).sum(axis=(0, 1, 2)) > 0
    np.testing.assert_array_equal(seen, [True] * 2 + [False] * 6)


def test_keras_has_no_shallow_resnets():
    with pytest.raises(UserError, match="variant=keras has 50, 101 or 152 layers; nearest: depth=50"):
        read("resnet18", variant="keras")


def test_a_resnext_has_a_path_at_least():
    with pytest.raises(UserError, match="cardinality=0: should be greater than 0"):
        read("resnext50_32x4d", cardinality=0)
