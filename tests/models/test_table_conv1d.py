import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import read, table


def test_layers_of_a_table_of_28_columns():
    rows = table(read("table_conv1d"), (28, 1, 1))
    assert [row.output_shape for row in rows] == [(24, 32), (12, 32), (8, 32), (32,), (10,)]
    assert [row.field.size for row in rows[:3]] == [(5, 1), (6, 1), (14, 1)]
    assert sum(row.parameters for row in rows) == 5_674


@pytest.mark.heavy
def test_columns_may_have_channels():
    network = read("table_conv1d").build((20, 3), 2, rngs=nnx.Rngs(0))
    assert network(jnp.zeros((4, 20, 3))).shape == (4, 2)


def test_it_is_trained_on_images_of_one_pixels_width_as_on_sequences():
    network = read("table_conv1d").build((28, 1, 1), 10, rngs=nnx.Rngs(0))
    rows = jax.random.normal(jax.random.key(0), (4, 28, 1))
    assert (network(rows) == network(rows[:, :, None])).all()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((13, 1, 1), "13 columns is too narrow for table_conv1d; at least 14"),
        ((28, 28, 1), "rows of a table, not inputs of"),
    ],
)
def test_what_is_no_table_is_refused(shape, message):
    with pytest.raises(UserError, match=message):
        read("table_conv1d").build(shape, 10, rngs=nnx.Rngs(0))


def test_the_narrowest_table_passes_through():
    network = read("table_conv1d").build((14, 1, 1), 10, rngs=nnx.Rngs(0))
    assert network(jnp.zeros((1, 14, 1, 1))).shape == (1, 10)
