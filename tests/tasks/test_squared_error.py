import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from src.data.batches import Batch
from src.tasks.classification import Classification
from src.tasks.squared_error import SquaredError

TASK = SquaredError(label_smoothing=0.0)
LABELS = jnp.array([0, 2, 1, 2])
OUTPUTS = jnp.array(np.random.default_rng(0).normal(size=(4, 3)), jnp.float32)


def batch(**targets):
    return Batch(jnp.zeros((4, 1, 1, 1)), {"label": LABELS, **targets}, jnp.array([1.0, 1.0, 1.0, 0.0]))


def test_the_loss_is_the_distance_to_the_corner_of_the_class():
    expected = 3 * mean_squared_error(np.eye(3)[LABELS].T, OUTPUTS.T, multioutput="raw_values")
    np.testing.assert_allclose(TASK.losses(OUTPUTS, batch()), expected, rtol=1e-6)
    summary = TASK.summary(TASK.sums(OUTPUTS, batch(), detailed=True), detailed=True)
    assert summary["loss"] == pytest.approx(expected[:3].mean(), rel=1e-6)


def test_all_but_the_loss_is_measured_as_in_every_classification():
    other = Classification(label_smoothing=0.0)
    own, theirs = (task.summary(task.sums(OUTPUTS, batch(), detailed=True), detailed=True) for task in (TASK, other))
    assert own.pop("loss") != theirs.pop("loss")
    assert own == theirs


def test_mixed_and_smoothed_targets_are_where_the_loss_is_least():
    task = SquaredError(label_smoothing=0.3)
    others = {"label": jnp.array([1, 1, 1, 1])}
    mixed = batch(**task.mixed({"label": LABELS}, others, jnp.full(4, 0.8)))
    slope = jax.grad(lambda outputs: task.losses(outputs, mixed).sum())
    least = 0.7 * (0.8 * np.eye(3)[LABELS] + 0.2 * np.eye(3)[[1, 1, 1, 1]]) + 0.1
    np.testing.assert_allclose(slope(jnp.asarray(least, jnp.float32)), 0, atol=1e-6)
