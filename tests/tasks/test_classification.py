from statistics import NormalDist

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss, top_k_accuracy_score

from src.data.batches import Batch
from src.tasks.classification import Classification
from src.tasks.intervals import wilson_interval

TASK = Classification(label_smoothing=0.0)


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(60, 8)).astype(np.float32)
    labels = rng.integers(0, 8, 60)
    return logits, labels


def batch(labels, weights=None):
    labels = jnp.asarray(labels)
    weights = jnp.ones(len(labels)) if weights is None else jnp.asarray(weights, jnp.float32)
    return Batch(jnp.zeros((len(labels), 1, 1, 1)), {"label": labels}, weights)


@pytest.mark.heavy
def test_every_measure_agrees_with_scikit_learn(scored):
    logits, labels = scored
    summary = TASK.summary(TASK.sums(jnp.asarray(logits), batch(labels), detailed=True), detailed=True)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    matrix = confusion_matrix(labels, logits.argmax(axis=1), labels=range(8))
    assert summary["loss"] == pytest.approx(log_loss(labels, probabilities), rel=1e-5)
    assert summary["accuracy"] == pytest.approx((logits.argmax(axis=1) == labels).mean())
    assert summary["top5_accuracy"] == pytest.approx(top_k_accuracy_score(labels, logits, k=5))
    np.testing.assert_array_equal(summary["confusion"], matrix)
    np.testing.assert_allclose(summary["class_accuracy"], matrix.diagonal() / matrix.sum(axis=1))


@pytest.mark.heavy
def test_examples_without_weight_do_not_count(scored):
    logits, labels = scored
    weights = np.arange(60) < 37
    logits[weights == 0] = np.nan
    masked = TASK.summary(TASK.sums(jnp.asarray(logits), batch(labels, weights), detailed=True), detailed=True)
    alone = TASK.summary(TASK.sums(jnp.asarray(logits[:37]), batch(labels[:37]), detailed=True), detailed=True)
    assert masked.pop("loss") == pytest.approx(alone.pop("loss"), rel=1e-6)
    assert masked == alone


def test_smoothing_mixes_the_target_with_the_even_one(scored):
    logits, labels = scored
    losses = Classification(label_smoothing=0.2).losses(jnp.asarray(logits), batch(labels))
    target = 0.8 * np.eye(8)[labels] + 0.2 / 8
    expected = -(target * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (9187, 10_000), (357, 360)])
def test_ends_of_wilson_intervals_are_shares_that_are_just_tenable(successes, trials):
    """Wilson's definition: the measured share lies 1.96 standard errors of such a share away from it."""
    for end in wilson_interval(successes, trials):
        square = NormalDist().inv_cdf(0.975) ** 2 * end * (1 - end) / trials
        assert (successes / trials - end) ** 2 == pytest.approx(square, rel=1e-9, abs=1e-15)


def test_nothing_tried_is_nothing_known():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_intervals_stay_between_none_and_all():
    for trials in range(1, 400):
        assert wilson_interval(0, trials)[0] >= 0
        assert wilson_interval(trials, trials)[1] <= 1
