"""Backward rules of ReLU: the worked arrays, and programs in which ReLUs are found, missing or hidden."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.backward_rules import relus, with_rule
from src.interpret.gradients import gradient
from src.models.resnet_cifar import CifarResNet
from src.operations.fused import with_kernels
from src.training.kernels import chosen_kernels

INPUT = jnp.array([[1.0, -1, 5], [2, -5, -7], [-3, 2, 4]])
SIGNAL = jnp.array([[-2.0, 3, -1], [6, -3, 1], [2, -1, 3]])
WORKED = {
    "gradient": [[-2, 0, -1], [6, 0, 0], [0, -1, 3]],
    "deconvnet": [[0, 3, 0], [6, 0, 1], [2, 0, 3]],
    "guided": [[0, 0, 0], [6, 0, 0], [0, 0, 3]],
}


def by_hand(x):
    return jnp.maximum(x, 0)


def by_hand_the_other_way_round(x):
    return jnp.maximum(0, x)


@pytest.mark.parametrize("rule", WORKED)
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.checkpoint], ids=["plain", "jit", "remat"])
@pytest.mark.parametrize("relu", [nnx.relu, by_hand, by_hand_the_other_way_round])
def test_the_worked_arrays(rule, wrap, relu):
    _, pull = jax.vjp(with_rule(wrap(relu), rule), INPUT)
    assert pull(SIGNAL)[0].tolist() == WORKED[rule]


def test_switches_send_the_signal_to_the_largest_values():
    x = jnp.array([[1.0, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]])[None, :, :, None]

    def pooled(x):
        return nnx.relu(nnx.max_pool(x, (2, 2), (2, 2)))

    y, pull = jax.vjp(with_rule(pooled, "deconvnet"), x)
    assert y[0, :, :, 0].tolist() == [[5, 6], [7, 8]]
    back = pull(jnp.array([[1.0, 2], [3, 4]])[None, :, :, None])[0]
    assert back[0, :, :, 0].tolist() == [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]


@pytest.mark.parametrize(
    ("rule", "expected"), [("gradient", [0, -1, 0]), ("deconvnet", [2, 0, 5]), ("guided", [0, 0, 0])]
)
def test_relu6_has_the_rule_of_relu_and_above_six_only_a_deconvnet_passes_signals(rule, expected):
    y, pull = jax.vjp(with_rule(nnx.relu6, rule), jnp.array([-1.0, 3, 7]))
    assert y.tolist() == [0, 3, 6]
    assert pull(jnp.array([2.0, -1, 5]))[0].tolist() == expected


@pytest.mark.heavy
def test_values_and_derivatives_of_everything_else_stay_to_the_bit():
    def function(x):
        return {"a": jax.nn.logsumexp(nnx.relu(jnp.sin(x))), "b": jax.nn.softmax(x) @ x}

    changed = with_rule(function, "guided")
    x = jax.random.normal(jax.random.key(0), (7,))
    assert jax.tree.map(np.array_equal, changed(x), function(x)) == {"a": True, "b": True}
    other = [jax.grad(lambda x, f=f: f(x)["b"])(x) for f in (function, changed)]
    assert np.array_equal(*other)


def test_functions_and_modules_are_counted_wherever_they_are():
    class Module(nnx.Module):
        def __init__(self):
            self.one, self.norm = nnx.Linear(3, 3, rngs=nnx.Rngs(0)), nnx.LayerNorm(3, rngs=nnx.Rngs(0))
            self.act = nnx.relu

        def __call__(self, x):
            return jax.nn.relu6(self.act(jnp.maximum(self.norm(self.one(x)), 0)))

    module = Module()
    assert relus(lambda x: module(x), jnp.ones((2, 3))) == 3  # the variance of the layer norm is none


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (jnp.sin, "has no ReLU"),
        (nnx.leaky_relu, "has leaky_relu"),
        (lambda x: nnx.elu(nnx.relu(x)), "has elu"),
        (lambda x: jax.lax.fori_loop(0, 3, lambda _, y: nnx.relu(y), x), "a ReLU in a scan"),
    ],
)
def test_programs_without_a_relu_that_can_be_changed_are_refused(function, message):
    with pytest.raises(UserError, match=message) as caught:
        with_rule(function, "guided")(INPUT)
    assert "\n" not in str(caught.value)


def test_a_misspelt_rule_is_refused_with_the_nearest_one():
    with pytest.raises(UserError, match="did you mean 'guided'"):
        with_rule(nnx.relu, "guide")


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_networks_with_kernels_are_refused_because_their_relus_are_hidden(rule):
    library = chosen_kernels("auto")
    if library is None:
        pytest.skip("there are no kernels for this machine")
    network = CifarResNet(8, "A", channels=3, outputs=10, rngs=nnx.Rngs(0))
    x = np.ones((1, 32, 32, 3), np.float32)
    assert gradient(network, x, rule=rule).any()
    with pytest.raises(UserError, match="hide its ReLUs; give its plain module"):
        gradient(with_kernels(network, library), x, rule=rule)
