import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.branches import Conv, keras_conv
from src.models.inception_resnet_v2 import Residual
from tests.models.networks import abstract, parameter_count, read, shapes, total_count

pytestmark = pytest.mark.heavy  # deep networks take seconds each to trace


def test_parameter_counts_are_those_of_keras():
    model = abstract(read("inception_resnet_v2"))
    assert total_count(model) == 55_873_736
    assert parameter_count(model) == 55_813_192


def test_maps_have_the_sizes_of_the_published_code():
    found = shapes(read("inception_resnet_v2"))
    assert [shape for name, shape in found.items() if name.endswith("widen")] == (
        [(35, 35, 320)] * 10 + [(17, 17, 1088)] * 20 + [(8, 8, 2080)] * 10
    )
    assert found["last.layers.0.conv"] == (8, 8, 1536)


def test_the_small_version_takes_small_images():
    found = shapes(read("inception_resnet_v2", small=True), (28, 28, 1), 10)
    sides = dict.fromkeys(shape[0] for name, shape in found.items() if name.endswith("widen"))
    assert list(sides) == [22, 10, 4]
    assert found["head"] == (10,)


@pytest.mark.parametrize(("small", "smallest"), [(False, 75), (True, 13)])
def test_too_small_an_image_is_refused(small, smallest):
    with pytest.raises(UserError, match=f"Inception-ResNet-v2 takes images of at least {smallest}x{smallest}, not"):
        read("inception_resnet_v2", small=small).build((smallest - 1, smallest, 3), 10, rngs=nnx.Rngs(0))


def test_the_smallest_image_works():
    found = shapes(read("inception_resnet_v2", small=True), (13, 13, 3), 10)
    assert found["last.layers.0.conv"] == (1, 1, 1536)


@pytest.mark.parametrize("relu", [False, True])
def test_a_module_adds_a_scaled_correction(relu):
    def conv(*args, **options):
        return keras_conv(*args, **options, rngs=nnx.Rngs(0))

    module = Residual(4, ((Conv(2),), (Conv(3, 3),)), conv, scale=0.1, relu=relu, rngs=nnx.Rngs(0))
    module.eval()
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 4))
    expected = x + 0.1 * module.widen(module.branches(x))
    np.testing.assert_allclose(module(x), jnp.maximum(expected, 0) if relu else expected, rtol=1e-6)
