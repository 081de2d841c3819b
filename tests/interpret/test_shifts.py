import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.interpret.shifts import change, equivariance_gap, moved, on_canvas
from src.layers.blocks import Flatten
from src.layers.pooling import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool

SIZE, MARGIN = 12, (2, 12)


@pytest.fixture
def images():
    return on_canvas(np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 1), np.uint8), MARGIN)


def conv(stride=1):
    return nnx.Conv(1, 4, (5, 5), strides=stride, padding="VALID", rngs=nnx.Rngs(0))


def test_nothing_leaves_the_canvas(images):
    assert images.shape == (2, SIZE + 4, SIZE + 24, 1)
    assert not moved(images, 8)[:, :, :8].any()
    np.testing.assert_array_equal(moved(images, 3)[:, :, 15:27], images[:, :, 12:24])


@pytest.mark.parametrize("pixels", [0, 1, 5, 8])
def test_convolution_is_equivariant_to_the_last_bit(images, pixels):
    assert equivariance_gap(conv(), images, pixels, 1) == 0


@pytest.mark.parametrize(
    ("network", "stride"),
    [
        (conv(2), 2),
        (nnx.Sequential(conv(), MaxPool(2)), 2),
        (nnx.Sequential(conv(), AveragePool(4)), 4),
    ],
)
def test_strides_keep_it_for_their_multiples_only(images, network, stride):
    gaps = [equivariance_gap(network, images, pixels, stride) for pixels in range(9)]
    assert [gap == 0 for gap in gaps] == [pixels % stride == 0 for pixels in range(9)]


def test_between_multiples_maps_move_by_the_nearest_step(images):
    network = nnx.Sequential(conv(), MaxPool(4))
    maps, after = network(images), network(moved(images, 3))
    gap = jnp.linalg.norm(after - moved(maps, 1)) / jnp.linalg.norm(maps)
    assert equivariance_gap(network, images, 3, 4) == pytest.approx(float(gap))


def test_global_pooling_is_invariant_and_a_dense_layer_is_not(images):
    dense = nnx.Linear(images[0].size, 4, rngs=nnx.Rngs(0))
    assert change(nnx.Sequential(conv(), GlobalMaxPool()), images, 5) == 0
    assert change(nnx.Sequential(conv(), GlobalAveragePool()), images, 5) < 1e-5  # sums in another order
    assert change(nnx.Sequential(Flatten(), dense), images, 5) > 0.5


def test_a_single_pixel_changes_everything_when_it_moves():
    point = on_canvas(np.full((1, 1, 1, 1), 255, np.uint8), (0, 2))
    assert change(lambda x: 3 * x, point, 1) == pytest.approx(np.sqrt(2))
    assert equivariance_gap(lambda x: 3 * x, point, 1, 1) == 0
