import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.blocks import DenseDropout
from src.layers.dropout import give_keys
from src.layers.pooling import AdaptiveAveragePool
from src.models.alexnet import LAYERS
from tests.models.networks import read, table

# Computed from the descriptions.
PARAMETERS = {"paper": 60_965_224, "ungrouped": 62_378_344, "unnormalized": 60_965_224, "torchvision": 61_100_840}
SMALLEST = {"paper": 67, "ungrouped": 67, "unnormalized": 67, "torchvision": 63}


@pytest.mark.parametrize(("variant", "parameters"), PARAMETERS.items())
def test_parameter_counts(variant, parameters):
    assert sum(row.parameters for row in table(read("alexnet", variant=variant))) == parameters


@pytest.mark.parametrize("variant", PARAMETERS)
def test_feature_maps_have_the_sizes_of_the_figure(variant):
    rows = table(read("alexnet", variant=variant))
    sizes = [row.output_shape[0] for row in rows if row.kind in ("Conv", "MaxPool")]
    assert sizes == [55, 27, 27, 13, 13, 13, 13, 6]
    assert next(row.output_shape for row in rows if row.kind == "Flatten") == (9216,)


@pytest.mark.parametrize("variant", PARAMETERS)
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_takes_small_images(variant, shape):
    found = read("alexnet", variant=variant, small=True)
    assert table(found, shape, 7)[-1].output_shape == (7,)


@pytest.mark.parametrize(("variant", "smallest"), SMALLEST.items())
def test_the_smallest_image_works_and_is_named(variant, smallest):
    found = read("alexnet", variant=variant)
    shape = (smallest, smallest + 9, 3)
    assert table(found, shape, 7)[-1].output_shape == (7,)
    with pytest.raises(UserError, match=f"at least {smallest}x{smallest}, not .*; model.small=true"):
        found.build((smallest - 1, 300, 3), 7, rngs=nnx.Rngs(0))


def test_the_groups_are_two_networks_side_by_side():
    """Values of the first half of the channels do not reach the second half of the second convolution."""
    conv = LAYERS["paper"][3].make(96, nnx.Rngs(0)).conv
    x = jax.random.normal(jax.random.key(0), (1, 3, 3, 96))
    change = conv(x) - conv(x.at[..., :48].set(0.0))
    assert change[..., :128].any()
    assert not change[..., 128:].any()


@pytest.mark.parametrize("dropout_first", [False, True])
def test_dropout_stands_behind_the_dense_layer_or_before_it(dropout_first):
    block = DenseDropout(1, 400, dropout_first=dropout_first, rngs=nnx.Rngs(0))
    x = jnp.ones((8, 1))
    block.eval()
    alive = block(x) > 0
    block.train()
    give_keys(block, jax.random.split(jax.random.key(0), 8))
    dropped = (block(x) == 0)[:, alive[0]].mean(1)  # of each example: all or nothing where the one input was dropped
    assert set(dropped.tolist()) <= {0.0, 1.0} if dropout_first else ((dropped > 0.3) & (dropped < 0.7)).all()


@pytest.mark.parametrize(("variant", "expected"), [("paper", True), ("ungrouped", True), ("unnormalized", False)])
def test_only_some_variants_are_normalized(variant, expected):
    kinds = {row.kind for row in table(read("alexnet", variant=variant))}
    assert ("LocalResponseNorm" in kinds) == expected


def test_the_rate_of_dropout_is_that_asked_for():
    network = read("alexnet", small=True, dropout=0.25).build((16, 16, 3), 10, rngs=nnx.Rngs(0))
    assert [block.dropout.rate for block in network.dense] == [0.25]
    with pytest.raises(UserError, match=r"dropout=1\.0"):
        read("alexnet", dropout=1.0)


@pytest.mark.heavy
def test_adaptive_pooling_is_pytorchs():
    x = jnp.arange(7.0).reshape(1, 7, 1, 1)
    pooled = AdaptiveAveragePool(3)(x)
    assert pooled[0, :, 0, 0].tolist() == [1.0, 3.0, 5.0]  # the means of 0-2, 2-4 and 4-6
    same = jnp.arange(36.0).reshape(1, 6, 6, 1)
    assert (AdaptiveAveragePool(6)(same) == same).all()
