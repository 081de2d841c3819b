"""Outputs of layers are found by the names of the layer table, in the order in which they are computed."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from src.layers.blocks import ConvNormReLU, Flatten
from src.models.captured import captured, layer_outputs
from src.models.summary import layers
from tests.models.test_program import place


class Net(nnx.Module):
    def __init__(self, rngs):
        self.head = nnx.Linear(6 * 6 * 2, 3, rngs=rngs)  # created first, computed last
        self.body = nnx.List([ConvNormReLU(1, 2, kernel=3, stride=2, rngs=rngs), nnx.Conv(2, 2, (3, 3), rngs=rngs)])
        self.flat = Flatten()

    def __call__(self, x):
        for layer in self.body:
            x = layer(x)
        return self.head(self.flat(x))


def net():
    made = Net(nnx.Rngs(0))
    made.eval()
    return made


def test_outputs_have_names_shapes_and_fields_in_order():
    found = layer_outputs(net(), (12, 12, 1))
    assert [(row.name, row.shape, row.last) for row in found] == [
        ("body.0.conv", (6, 6, 2), False),
        ("body.0.norm", (6, 6, 2), False),
        ("body.0", (6, 6, 2), False),
        ("body.1", (6, 6, 2), False),
        ("flat", (72,), False),
        ("head", (3,), True),
    ]
    assert [row.field.size for row in found] == [(3, 3)] * 3 + [(7, 7), (12, 12), (12, 12)]
    assert found[3].field.place == place((-3, -3), (2, 2))
    table = {row.name for row in layers(lambda: Net(nnx.Rngs(0)), (12, 12, 1))}
    assert table <= {row.name for row in found}


def test_an_output_is_what_the_layer_gives():
    x = jax.random.normal(jax.random.key(0), (3, 12, 12, 1))
    found, own = captured(net(), x), net()
    np.testing.assert_array_equal(found["body.0"], own.body[0](x))
    np.testing.assert_array_equal(found["head"], own(x))
    assert jnp.min(found["body.0.norm"]) < 0 <= jnp.min(found["body.0"])


class Heir(Net):
    """A network whose class has no call of its own."""


def test_the_last_output_is_that_of_the_network():
    assert [row.name for row in layer_outputs(Heir(nnx.Rngs(0)), (12, 12, 1)) if row.last] == ["head"]
