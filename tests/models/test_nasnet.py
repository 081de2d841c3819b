import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.pooling import AveragePool, MaxPool
from src.models.base import abstract_network
from src.models.nasnet import PLANS, Halve, ZeroEdge, places
from tests.models.networks import abstract, parameter_count, read, shapes, table, total_count


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "total", "trainable"),
    [("nasnet_mobile", 5_326_716, 5_289_978), ("nasnet_large", 88_949_818, 88_753_150)],
)
def test_parameter_counts_are_those_of_keras(name, total, trainable):
    model = abstract(read(name))
    assert total_count(model) == total
    assert parameter_count(model) == trainable


def cells(found):
    """What the first sum of each cell gives, once each."""
    return list(dict.fromkeys(shape for name, shape in found.items() if name.endswith("sums.0.0.second.norm")))


@pytest.mark.heavy
def test_maps_have_the_sizes_of_keras_and_cost_what_the_authors_say():
    """564 million multiply-adds."""
    rows = table(read("nasnet_mobile"))
    assert sum(row.multiplications for row in rows) == 563_638_816
    found = {row.name: row.output_shape for row in rows}
    assert found["stem.conv"] == (111, 111, 32)
    assert cells(found) == [(56, 56, 11), (28, 28, 22), (28, 28, 44), (14, 14, 88), (7, 7, 176)]
    assert found["pool"] == (1056,)


@pytest.mark.slow
def test_maps_of_the_large_network_have_the_sizes_of_keras_and_cost_what_the_authors_say():
    """23.8 billion multiply-adds."""
    rows = table(read("nasnet_large"))
    assert sum(row.multiplications for row in rows) == 23_783_414_658
    found = {row.name: row.output_shape for row in rows}
    assert found["stem.conv"] == (165, 165, 96)
    assert cells(found) == [(83, 83, 42), (42, 42, 84), (42, 42, 168), (21, 21, 336), (11, 11, 672)]
    assert found["pool"] == (4032,)


@pytest.mark.heavy
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_keeps_a_quarter_of_the_side(shape):
    side = shape[0]
    found = shapes(read("nasnet_mobile", small=True), shape, 7)
    assert found["stem.conv"] == (side, side, 32)
    assert cells(found) == [(side, side, 44), (side // 2, side // 2, 88), (side // 4, side // 4, 176)]
    assert found["head"] == (7,)


@pytest.mark.heavy
def test_other_channels_and_classes_change_the_ends_alone():
    settings = read("nasnet_mobile")
    model = abstract_network(settings, (224, 224, 5), 7)
    assert parameter_count(model) == 5_289_978 + 2 * 9 * 32 - 993 * 1057


@pytest.mark.slow
@pytest.mark.parametrize(
    ("small", "smallest", "message"), [(False, 3, "3x3, not 2x3; model.small=true"), (True, 1, "1x1, not 0x1")]
)
def test_the_smallest_image_is_the_smallest_that_works(small, smallest, message):
    settings = read("nasnet_mobile", small=small)
    assert shapes(settings, (smallest, smallest, 3), 10)["head"] == (10,)
    with pytest.raises(UserError, match=f"NASNet-A mobile takes images of at least {message}"):
        settings.build((smallest - 1, smallest, 3), 10, rngs=nnx.Rngs(0))


def test_the_large_network_looks_past_the_inputs_of_its_reductions():
    skipped = {size: [place[2] for place in places(plan, small=False)] for size, plan in PLANS.items()}
    assert not any(skipped["mobile"])
    assert [number for number, skips in enumerate(skipped["large"]) if skips] == [8, 15]


@pytest.mark.parametrize("side", [6, 7])
def test_halving_looks_at_every_other_pixel_from_the_first_and_from_the_second(side):
    halve = Halve(1, 2, momentum=0.9, rngs=nnx.Rngs(0))
    halve.eval()
    for conv in (halve.even, halve.odd):
        conv.kernel[...] = jnp.ones((1, 1, 1, 1))
    x = jax.random.uniform(jax.random.key(0), (1, side, side, 1))
    y = halve(x) * np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(y[..., :1], x[:, ::2, ::2], rtol=1e-5)
    inside = x[:, 1::2, 1::2]
    np.testing.assert_allclose(y[:, : side // 2, : side // 2, 1:], inside, rtol=1e-5)
    np.testing.assert_array_equal(y[:, side // 2 :, :, 1:], 0)


@pytest.mark.parametrize("side", [4, 5])
def test_zeros_at_the_edge_are_pixels(side):
    x = -jnp.ones((1, side, side, 1))
    largest, mean = ZeroEdge(MaxPool(3, 2))(x), ZeroEdge(AveragePool(3, 2))(x)
    assert largest.shape == mean.shape == (1, (side + 1) // 2, (side + 1) // 2, 1)
    assert largest[0, -1, -1, 0] == 0
    np.testing.assert_allclose(mean[0, -1, -1, 0], -4 / 9, rtol=1e-6)
