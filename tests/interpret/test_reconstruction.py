"""What drives a unit is its gradient by the rule, lies in its receptive field, and only where the rule applies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.reconstruction import applicable_rule, reconstructed_by

IMAGES = np.random.default_rng(0).normal(size=(3, 12, 12, 1)).astype(np.float32)
PLACES = np.array([[2, 3], [9, 9], [5, 0]])


def network(activation):
    first, second = (nnx.Conv(n, m, (3, 3), rngs=nnx.Rngs(seed)) for n, m, seed in ((1, 4, 0), (4, 5, 1)))
    return nnx.Sequential(first, activation, second)


@pytest.mark.heavy
def test_only_the_place_of_the_unit_sends_something_back():
    net = network(nnx.relu)
    found = reconstructed_by(net, "layers.2", "gradient")(IMAGES, 3, PLACES)
    for image, own, (row, column) in zip(IMAGES, found, PLACES, strict=True):
        gradient = jax.grad(lambda x, r=row, c=column: net(x[None])[0, r, c, 3])(jnp.asarray(image))
        np.testing.assert_allclose(own, gradient, atol=1e-6)
        seen = np.zeros((12, 12), bool)
        seen[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] = True
        assert own[seen].any()
        assert not own[~seen].any()


def test_a_deconvnet_sends_positive_signals_alone():
    """The second convolution's positive weights of the unit, sent through the first one, whatever its ReLUs were."""
    net = network(nnx.relu)
    found = reconstructed_by(net, "layers.2")(IMAGES, 3, PLACES)
    first, second = (np.asarray(net.layers[n].kernel[...]) for n in (0, 2))
    expected = np.zeros((5, 5))
    for row in range(3):
        for column in range(3):
            signal = np.maximum(second[row, column, :, 3], 0)
            expected[row : row + 3, column : column + 3] += first[:, :, 0] @ signal
    row, column = PLACES[0]
    np.testing.assert_allclose(found[0, row - 2 : row + 3, column - 2 : column + 3, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("activation", "rule"),
    [(nnx.relu, "deconvnet"), (nnx.relu6, "deconvnet"), (nnx.leaky_relu, "gradient"), (jnp.sin, "gradient")],
)
def test_the_rule_is_one_that_applies(activation, rule):
    assert applicable_rule(network(activation), (12, 12, 1)) == rule
    with pytest.raises(UserError, match="rule=deconvnett: there is no such rule; did you mean 'deconvnet'"):
        reconstructed_by(network(activation), "layers.2", "deconvnett")
