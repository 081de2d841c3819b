"""Deep and wide pre-activation networks, and blocks that can be taken out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.base import abstract_network
from src.models.resnet_cifar_preact import PreActivationBlock
from src.models.tracing import abstract_rngs
from tests.models.networks import abstract, parameter_count, read, table


def basic(blocks, width, shortcut):
    """Parameters of a network of basic blocks by the description in the papers."""
    total, inputs = 9 * 3 * 16, 16
    for filters in (16 * width, 32 * width, 64 * width):
        for _ in range(blocks):
            total += 2 * inputs + 9 * inputs * filters + 2 * filters + 9 * filters * filters
            total += inputs * filters if shortcut == "B" and inputs != filters else 0
            inputs = filters
    return total + 2 * inputs + 10 * inputs + 10


def bottlenecks(blocks):
    """The same for bottlenecks with 1x1 convolutions in the shortcuts."""
    total, inputs = 9 * 3 * 16, 16
    for inside in (16, 32, 64):
        for _ in range(blocks):
            outputs = 4 * inside
            total += 2 * inputs + inputs * inside + 2 * inside + 9 * inside**2 + 2 * inside + inside * outputs
            total += inputs * outputs if inputs != outputs else 0
            inputs = outputs
    return total + 2 * inputs + 10 * inputs + 10


@pytest.mark.parametrize(
    ("depth", "millions"),
    [(164, 1.7), pytest.param(1001, 10.3, marks=pytest.mark.slow)],  # a thousand layers take minutes to make
)
def test_bottlenecks_have_the_parameters_of_the_paper(depth, millions):
    """The paper rounds ResNet-1001 to 10.2 million; its description gives 10.32."""
    found = parameter_count(abstract(read("resnet_preact", depth=depth, bottleneck=True, shortcut="B")))
    assert found == bottlenecks((depth - 2) // 9)
    assert round(found / 1e6, 1) == millions


@pytest.mark.parametrize("shortcut", ["A", "B", "none"])
def test_a_deep_network_of_basic_blocks_has_the_parameters_of_the_paper(shortcut):
    found = parameter_count(abstract(read("resnet_preact", depth=110, shortcut=shortcut)))
    assert found == basic(18, 1, shortcut)
    assert round(found / 1e6, 1) == 1.7


@pytest.mark.parametrize(("depth", "width", "millions"), [(28, 10, 36.5), (16, 8, 11.0), (40, 4, 8.9)])
def test_wide_networks_have_the_parameters_of_the_paper(depth, width, millions):
    found = parameter_count(abstract(read("wide_resnet", depth=depth, width=width)))
    assert found == basic((depth - 4) // 6, width, "B")
    assert round(found / 1e6, 1) == millions


@pytest.mark.parametrize(
    ("name", "changes", "branches"),
    [
        ("resnet_preact", {"depth": 20, "shortcut": "A"}, 20),
        ("resnet_preact", {"depth": 29, "bottleneck": True, "shortcut": "A"}, 29),
        ("wide_resnet", {"depth": 16, "width": 2}, 17),  # Zagoruyko and Komodakis leave the linear layer out
    ],
)
def test_depth_counts_weighted_layers(name, changes, branches):
    rows = table(read(name, **changes), (32, 32, 3))
    assert sum(row.kind in ("Conv", "Linear") for row in rows) == branches


def test_stages_have_the_sizes_of_the_papers():
    rows = {row.name: row.output_shape for row in table(read("wide_resnet", depth=16, width=2), (32, 32, 3))}
    assert rows["stem"] == (32, 32, 16)
    assert [rows[f"blocks.{last}.branch.last"] for last in (1, 3, 5)] == [(32, 32, 32), (16, 16, 64), (8, 8, 128)]


@pytest.mark.parametrize("shortcut", ["A", "B", "none"])
@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("shape", [(4, 4, 1), (15, 17, 3)])
def test_images_of_other_sizes_pass_through(shortcut, bottleneck, shape):
    settings = read("resnet_preact", depth=11 if bottleneck else 8, bottleneck=bottleneck, shortcut=shortcut)
    out = jax.eval_shape(lambda: settings.build(shape, 7, rngs=abstract_rngs())(jnp.zeros((2, *shape))))
    assert out.shape == (2, 7)


class Nothing(nnx.Module):
    """A branch that was taken out."""

    def __call__(self, x):
        return jnp.zeros(())


def test_a_block_without_its_branch_passes_the_signal_on_unchanged():
    block = PreActivationBlock(4, ((3, 4), (3, 4)), 1, "A", first=False, rngs=nnx.Rngs(0))
    block.branch = Nothing()
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 4))
    np.testing.assert_array_equal(block(x), x)


def test_the_shortcut_begins_where_the_paper_and_the_code_say():
    """Before the normalization; behind the ReLU in the first block and where it is a convolution."""
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 4))
    for shape, stride, option, first in [(4, 1, "A", True), (8, 2, "B", False)]:
        block = PreActivationBlock(4, ((3, shape), (3, shape)), stride, option, first=first, rngs=nnx.Rngs(0))
        block.branch = Nothing()
        np.testing.assert_array_equal(block(x), block.shortcut(nnx.relu(block.norm(x))))
    block = PreActivationBlock(4, ((3, 8), (3, 8)), 2, "A", first=False, rngs=nnx.Rngs(0))
    block.branch = Nothing()
    np.testing.assert_array_equal(block(x)[..., :4], x[:, ::2, ::2])


@pytest.mark.heavy
def test_the_blocks_of_54_can_be_told_apart_and_taken_out():
    """Veit et al. 2016: 54 blocks, two of which halve the image; the others can be dropped, or change places."""
    made = abstract_network(read("resnet_preact"), (32, 32, 3), 10)
    assert [number for number, block in enumerate(made.blocks) if block.halves] == [18, 36]
    assert len(made.blocks) == 54
    network = read("resnet_preact", depth=14).build((8, 8, 3), 10, rngs=nnx.Rngs(0))
    network.eval()
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    whole = network(x)
    del network.blocks[3]
    assert network(x).shape == whole.shape
    assert not jnp.allclose(network(x), whole)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("resnet_preact", {"depth": 111}, r"depth=111: a pre-activation ResNet without .* 6n\+2 layers; nearest: 110"),
        (
            "resnet_preact",
            {"depth": 112, "bottleneck": True},
            r"with bottlenecks has 9n\+2 layers; nearest: 110 and 119",
        ),
        ("wide_resnet", {"depth": 27}, r"depth=27: a wide ResNet has 6n\+4 layers; nearest: 22 and 28"),
        ("wide_resnet", {"width": 0}, r"width=0: should be greater than 0"),
        ("resnet", {"width": 0}, r"width=0: should be greater than 0"),
    ],
)
def test_mistakes_are_named(name, changes, message):
    with pytest.raises(UserError, match=message):
        read(name, **changes)
