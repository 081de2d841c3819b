"""Gradients, integrated gradients and SmoothGrad: known values, completeness, and what does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.explained import BATCH_SIZE, check_network
from src.interpret.gradients import completeness, gradient, gradient_x_input, integrated_gradients, smooth_grad

METHODS = [gradient, gradient_x_input, integrated_gradients, smooth_grad]


class Linear(nnx.Module):
    def __init__(self):
        self.head = nnx.Linear(12, 3, rngs=nnx.Rngs(0))

    def __call__(self, x):
        return self.head(x.reshape(len(x), -1))


class Small(nnx.Module):
    """Convolution, batch normalization, ReLU as a function, dropout, linear."""

    def __init__(self, seed=0):
        rngs = nnx.Rngs(seed)
        self.conv = nnx.Conv(2, 5, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(5 * 36, 4, rngs=rngs)

    def __call__(self, x):
        x = self.dropout(jax.nn.relu(self.norm(self.conv(x))))
        return self.head(x.reshape(len(x), -1))


def images(count, *shape):
    return np.asarray(jax.random.normal(jax.random.key(count), (count, *shape)), np.float32)


@pytest.fixture
def small():
    return Small()


def test_the_gradient_is_jaxs_to_the_bit(small):
    x, targets = images(5, 6, 6, 2), np.array([0, 1, 2, 3, 0])
    found = gradient(small, x, targets)
    small.eval()
    definition, state = nnx.split(small)
    expected = jax.jit(jax.grad(lambda x: nnx.merge(definition, state)(x)[jnp.arange(5), targets].sum()))(x)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("method", METHODS)
def test_networks_stay_as_they_are_and_are_computed_in_evaluation_mode(method, small):
    before = jax.tree.map(np.asarray, jax.tree.map(jax.random.key_data, nnx.state(small, nnx.RngKey)))
    found = method(small, images(3, 6, 6, 2), 1)
    assert not small.norm.use_running_average
    assert not small.dropout.deterministic
    after = jax.tree.map(np.asarray, jax.tree.map(jax.random.key_data, nnx.state(small, nnx.RngKey)))
    assert jax.tree.all(jax.tree.map(np.array_equal, before, after))
    small.eval()
    assert np.array_equal(found, method(small, images(3, 6, 6, 2), 1))


@pytest.mark.parametrize("method", METHODS)
def test_batches_change_nothing_but_rounding(method, small):
    x = images(7, 6, 6, 2)
    whole = method(small, x)
    for size in (3, 100):
        np.testing.assert_allclose(method(small, x, batch_size=size), whole, atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_target_it_is_the_predicted_class(method, small):
    x = images(4, 6, 6, 2)
    found = method(small, x)
    small.eval()
    assert np.array_equal(found, method(small, x, np.asarray(small(x).argmax(1))))


def test_attributions_of_a_linear_network_are_the_known_ones():
    network, x, baseline = Linear(), images(4, 2, 2, 3), images(1, 2, 2, 3)[0]
    targets = np.array([2, 0, 1, 1])
    slopes = np.asarray(network.head.kernel[...]).T[targets].reshape(4, 2, 2, 3)
    np.testing.assert_array_equal(gradient(network, x, targets), slopes)
    np.testing.assert_array_equal(gradient_x_input(network, x, targets), x * slopes)
    np.testing.assert_allclose(smooth_grad(network, x, targets), slopes, rtol=1e-5)
    found = integrated_gradients(network, x, targets, baseline=baseline, steps=7)
    np.testing.assert_allclose(found, (x - baseline) * slopes, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_integrated_gradients_are_complete(seed):
    network, x = Small(seed), images(6, 6, 6, 2)
    given = {"target": np.arange(6) % 4, "baseline": images(1, 6, 6, 2)[0]}
    maps = integrated_gradients(network, x, steps=4000, batch_size=6000, **given)
    error = completeness(network, x, maps, **given)
    assert abs(error).max() < 1e-3 * abs(maps.sum((1, 2, 3)) - error).max()
    few = completeness(network, x, integrated_gradients(network, x, steps=1, **given), **given)
    assert abs(few).max() > 10 * abs(error).max()


@pytest.mark.heavy
def test_the_program_has_the_size_of_a_batch_whatever_the_number_of_steps(small, monkeypatch):
    from src.interpret import gradients

    rows, own = set(), gradients._gradient

    def noted(network, images, targets, *, rule):
        rows.add(len(images))
        return own(network, images, targets, rule=rule)

    monkeypatch.setattr(gradients, "_gradient", noted)
    jax.clear_caches()
    for count, steps in ((1, 5), (1, 100), (40, 3)):
        integrated_gradients(small, images(count, 6, 6, 2), steps=steps)
        smooth_grad(small, images(count, 6, 6, 2), samples=steps)
    assert max(rows) <= BATCH_SIZE


@pytest.mark.heavy
def test_noise_is_that_of_the_image_and_of_no_batch(small):
    x = images(5, 6, 6, 2)
    one = smooth_grad(small, x, 0, samples=3, batch_size=2)
    np.testing.assert_allclose(one, smooth_grad(small, x, 0, samples=3, batch_size=5), atol=1e-6)
    assert abs(one - smooth_grad(small, x, 0, samples=3, seed=1)).max() > 1e-3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": images(2, 6, 6, 3)}, "cannot take images of 6x6x3: "),
        ({"images": images(2, 5, 6, 2)}, "cannot take images of 5x6x2: "),
        ({"images": images(2, 6, 6, 2)[0]}, r"not 6x6x2; one image is images\[None\]"),
        ({"images": np.zeros((2, 6, 6, 2), np.uint8)}, "after normalization, not uint8"),
        ({"images": np.zeros((0, 6, 6, 2), np.float32)}, "should have the shape n h w c"),
        ({"target": 4}, "target=4: the network tells 4 classes apart, 0 to 3"),
        ({"target": [0, -1]}, "target=-1: the network"),
        ({"target": [0, 1, 2]}, "one for each of the 2 images"),
        ({"target": 0.5}, "target should be a class"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(given, message, small):
    with pytest.raises(UserError, match=message) as caught:
        gradient(small, **({"images": images(2, 6, 6, 2)} | given))
    assert "\n" not in str(caught.value)


def test_settings_that_do_not_fit_are_refused(small):
    x = images(2, 6, 6, 2)
    with pytest.raises(UserError, match="steps=0"):
        integrated_gradients(small, x, steps=0)
    with pytest.raises(UserError, match="samples=0"):
        smooth_grad(small, x, samples=0)
    with pytest.raises(UserError, match="baseline should be a number or one or 2 images of 6x6x2"):
        integrated_gradients(small, x, baseline=np.zeros(7))
    with pytest.raises(UserError, match="did you mean 'guided'"):
        gradient(small, x, rule="guide")


def test_what_is_no_network_of_classes_is_refused():
    conv = nnx.Conv(2, 3, (1, 1), rngs=nnx.Rngs(0))
    with pytest.raises(UserError, match="one score for each class is explained; this one gives outputs of the shape"):
        gradient(conv, images(2, 6, 6, 2))
    with pytest.raises(UserError, match="not a function"):
        check_network(lambda x: x)

    class Hidden(nnx.Module, pytree=False):
        """Its arrays are not seen by JAX."""

    with pytest.raises(UserError, match="Hidden or a part of it says pytree=False"):
        check_network(Hidden())
