import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import read, table


@pytest.mark.parametrize(("name", "parameters"), [("convnet", 703_594), ("convnet_gmp", 179_306)])
def test_parameter_counts_are_those_of_the_chapter(name, parameters):
    assert sum(row.parameters for row in table(read(name))) == parameters


def test_the_figure_and_its_arithmetic():
    rows = table(read("convnet"))
    sizes = [row.output_shape[0] for row in rows if len(row.output_shape) == 3]
    assert sizes == [30, 28, 14, 12, 10, 5, 3]
    multiplications = [row.multiplications for row in rows if row.multiplications]
    assert multiplications[:5] == [777_600, 7_225_344, 2_654_208, 3_686_400, 331_776]
    assert sum(multiplications) == 15_275_392
    dense = next(row for row in rows if row.name == "dense")
    assert dense.parameters == 590_848


@pytest.mark.parametrize("name", ["convnet", "convnet_gmp"])
@pytest.mark.parametrize("shape", [(24, 24, 3), (28, 28, 1), (33, 30, 3)])
def test_images_of_other_sizes_pass_through(name, shape):
    out = jax.eval_shape(lambda: read(name).build(shape, 7, rngs=nnx.Rngs(0))(jnp.zeros((2, *shape))))
    assert out.shape == (2, 7)


def test_the_smallest_image_is_named():
    with pytest.raises(UserError, match="at least 24x24, not 23x32"):
        read("convnet").build((23, 32, 3), 10, rngs=nnx.Rngs(0))


@pytest.mark.heavy
def test_global_max_pooling_forgets_where():
    """A pattern moved by the stride of both pools, far enough from the borders, gives the same logits."""
    net = read("convnet_gmp").build((24, 56, 1), 5, rngs=nnx.Rngs(0))
    image = jnp.zeros((1, 24, 56, 1)).at[:, 10:13, 26:29].set(1.0)
    assert jnp.allclose(net(image), net(jnp.roll(image, 4, axis=2)), atol=1e-5)


@pytest.mark.parametrize("name", ["convnet", "convnet_gmp"])
def test_batch_normalization_adds_a_scale_and_a_shift_for_each_filter(name):
    plain, normalized = (table(read(name, batch_norm=chosen)) for chosen in (False, True))
    added = sum(row.parameters for row in normalized) - sum(row.parameters for row in plain)
    assert added == 2 * (32 + 32 + 64 + 64 + 64)


@pytest.mark.heavy
def test_normalized_features_have_mean_zero_and_deviation_one_before_relu():
    net = read("convnet", batch_norm=True).build((24, 24, 3), 10, rngs=nnx.Rngs(0))
    features = net.conv1(5 + 3 * jax.random.normal(jax.random.key(0), (8, 24, 24, 3)))
    assert jnp.allclose(features.mean((0, 1, 2)), 0, atol=1e-4)
    assert jnp.allclose(features.std((0, 1, 2)), 1, atol=1e-3)


def test_the_numbers_of_filters_are_those_asked_for():
    rows = table(read("convnet", filters=[1, 2, 3, 4, 5]))
    assert [row.output_shape[-1] for row in rows if row.kind == "Conv"] == [1, 2, 3, 4, 5]
    with pytest.raises(UserError, match="at least 5 items"):
        read("convnet", filters=[8, 8])
