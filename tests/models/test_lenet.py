import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import read, table


def build(shape):
    return read("lenet5").build(shape, 10, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("side", [32, 28])
def test_sizes_and_parameters_are_those_of_the_figure(side):
    rows = table(read("lenet5"), (side, side, 1))
    assert sum(row.parameters for row in rows) == 61_706
    shapes = [row.output_shape for row in rows]
    assert shapes == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (400,), (120,), (84,), (10,)]


@pytest.mark.heavy
def test_a_digit_of_28_is_one_of_32_with_a_border_of_zeros():
    digit = jnp.arange(28 * 28.0).reshape(1, 28, 28, 1) / 784
    bordered = jnp.pad(digit, [(0, 0), (2, 2), (2, 2), (0, 0)])
    assert jnp.allclose(build((28, 28, 1))(digit), build((32, 32, 1))(bordered), atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 16, 3), (40, 33, 1)])
def test_other_sizes_pass_through(shape):
    assert table(read("lenet5"), shape, 7)[-1].output_shape == (7,)


def test_the_smallest_image_is_named():
    with pytest.raises(UserError, match="at least 16x16, not 15x15"):
        build((15, 15, 1))


@pytest.mark.heavy
def test_values_between_layers_are_those_of_the_activation():
    digit = jax.random.normal(jax.random.key(0), (4, 28, 28, 1))
    for activation, function in (("tanh", jnp.tanh), ("relu", jax.nn.relu)):
        net = read("lenet5", activation=activation).build((28, 28, 1), 10, rngs=nnx.Rngs(0))
        x = net.pool2(function(net.conv2(net.pool1(function(net.conv1(digit))))))
        x = function(net.dense2(function(net.dense1(net.flatten(x)))))
        assert jnp.allclose(net(digit), net.head(x), atol=1e-5)
