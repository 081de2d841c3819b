import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import abstract, parameter_count, read, table


# 3072 x 10 + 10; the chapter's 3072-20-15-10, computed.
@pytest.mark.parametrize(("name", "parameters"), [("linear", 30_730), ("dense", 61_935)])
def test_parameter_counts(name, parameters):
    assert parameter_count(abstract(read(name))) == parameters


def test_the_widths_are_those_asked_for():
    rows = table(read("dense", hidden=[7]), (28, 28, 1), 3)
    assert [row.output_shape for row in rows] == [(784,), (7,), (3,)]


def test_there_is_no_relu_without_a_hidden_layer():
    linear = read("linear").build((4, 4, 1), 2, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 1))
    assert jnp.allclose(linear(x) + linear(-x), 0, atol=1e-5)


def test_a_dense_network_does_not_know_where_a_pixel_is():
    """Pixels in another order are the same problem: only the rows of the first matrix change places."""
    dense = read("dense").build((4, 4, 1), 2, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 1))
    before = dense(x)
    dense.layers[0].kernel[...] = dense.layers[0].kernel[...][::-1]
    assert jnp.allclose(dense(x[:, ::-1, ::-1]), before, atol=1e-5)


def test_a_layer_without_nodes_is_refused():
    with pytest.raises(UserError, match="at least 1 node"):
        read("dense", hidden=[20, 0])
