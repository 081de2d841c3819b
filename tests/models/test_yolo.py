"""YOLO's network to the parameter, and the small one."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from src.config.errors import UserError
from src.data.batches import Batch
from src.models.base import abstract_network
from src.models.yolo import LAYERS
from src.tasks.detection import Detection
from src.zoo.named import named_model
from tests.models.networks import parameter_count

TASK = Detection(
    grid=7, boxes=2, place_weight=5.0, no_object_weight=0.5, suppression=0.5, least_score=0.01, most=20, match=0.5,
    sure=0.3,
)  # fmt: skip


def test_the_networks_parameters_are_those_of_its_table():
    """24 convolutions of figure 3, each with a bias, and two dense layers."""
    network = abstract_network(named_model("yolo"), (448, 448, 3), 30)
    convolutions = [layer for layer in LAYERS if not isinstance(layer, str)]
    inputs = [3, *(filters for filters, _, _ in convolutions[:-1])]
    counted = sum(
        kernel**2 * own * filters + filters for own, (filters, kernel, _) in zip(inputs, convolutions, strict=True)
    )
    dense = 7 * 7 * 1024 * 4096 + 4096 + 4096 * 7 * 7 * 30 + 7 * 7 * 30
    assert (len(convolutions), LAYERS.count("max")) == (24, 4)
    assert parameter_count(network) == counted + dense == 271_703_550


@pytest.mark.parametrize(("side", "grid"), [(448, 7), (64, 1), (320, 5)])
def test_every_cell_has_a_vector(side, grid):
    network = abstract_network(named_model("yolo"), (side, side, 3), 30)
    network.eval()
    found = jax.eval_shape(lambda network, x: network(x), network, jnp.zeros((2, side, side, 3)))
    assert found.shape == (2, grid, grid, 30)


def test_sides_that_do_not_divide_are_refused():
    with pytest.raises(UserError, match="whose sides 64 divides, not 100x128"):
        abstract_network(named_model("yolo"), (100, 128, 3), 30)
    with pytest.raises(UserError, match="halvings=3 takes sides that 8 divides, not 20x24"):
        abstract_network(named_model("yolo_small"), (20, 24, 3), 30)


@pytest.mark.heavy
def test_the_small_network_sees_a_neighbourhood():
    network = named_model("yolo_small", filters=4, at_grid=2).build((32, 48, 3), 9, rngs=nnx.Rngs(0))
    network.eval()
    images = jnp.zeros((1, 32, 48, 3))
    assert network(images).shape == (1, 4, 6, 9)
    changed = np.abs(network(images.at[0, 0, 0].set(1.0)) - network(images)).max((0, -1)) > 0
    assert changed[0, 0]
    assert not changed[:, 4:].any()


@pytest.mark.slow
def test_the_published_network_takes_a_step():
    """448x448, 7x7x30: the loss of an image becomes smaller along its gradient."""
    network = named_model("yolo", dropout=0.0).build((448, 448, 3), 30, rngs=nnx.Rngs(0))
    definition, state = nnx.split(network)
    images = jax.random.normal(jax.random.key(0), (1, 448, 448, 3))
    targets = {
        "box": jnp.array([[[100, 50, 300, 250], [20, 300, 90, 440]]]),
        "box_label": jnp.array([[3, 17]]),
        "box_present": jnp.ones((1, 2), bool),
    }
    batch = Batch(images, targets, jnp.ones(1))

    @jax.jit
    def step(state):
        def loss(state):
            return TASK.losses(nnx.merge(definition, state)(images), batch).mean()

        value, gradient = jax.value_and_grad(loss)(state)
        rate = 0.1 * value / optax.tree.norm(gradient, squared=True)
        return jax.tree.map(lambda own, slope: own - rate * slope, state, gradient), value

    state, first = step(state)
    _, second = step(state)
    assert np.isfinite(first)
    assert second < first
