"""What a task can ask of training and evaluation: gathered metrics, changed batches, targets that move."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.data.batches import evaluation_batch
from src.data.settings import AugmentSettings
from src.tasks.adversarial import AdversarialClassification
from src.tasks.classification import Classification, cross_entropy
from src.tasks.metrics import Metric, median
from src.training.engine import Engine
from src.training.state import state_sha256
from tests.training.trained import largest_difference, trained

AUGMENT = AugmentSettings(crop=1, flip=True, fill="mean", cutout=0, mixup=0.0, cutmix=0.0)


class WithMedian(Classification):
    """Classification that reports the median of the examples' losses, which is no sum."""

    headline: ClassVar[str] = "median_loss"

    def metrics(self, *, detailed: bool) -> Sequence[Metric]:
        losses = Metric(
            "median_loss", lambda outputs, batch: {"losses": cross_entropy(outputs, batch)}, median("losses"),
            "minimize", gathered=True,
        )  # fmt: skip
        return (*super().metrics(detailed=detailed), *([losses] if detailed else []))


@pytest.mark.parametrize(
    "arguments", [("parallel.devices=1",), ("parallel.devices=4",), ("parallel=pmap", "parallel.devices=2")]
)
def test_what_does_not_add_up_is_gathered_of_every_example_once(compose, arguments):
    settings = compose("model=linear", "eval.batch_size=96", *arguments)
    built = Engine(settings.model_copy(update={"task": WithMedian(label_smoothing=0.0)}))
    state, data = built.init_state(), built.dataset.test
    images = (data.inputs - built.preprocessing.constants.mean) / built.preprocessing.constants.std
    outputs = built.network(*state.scored(), jnp.asarray(images, jnp.float32))
    labels = data.targets["label"]
    losses = -np.asarray(jax.nn.log_softmax(outputs))[np.arange(len(labels)), labels]
    assert built.evaluate(state, "test")["median_loss"] == pytest.approx(np.median(losses), rel=1e-5)


@pytest.mark.heavy
def test_a_batch_is_moved_along_the_sign_of_the_networks_gradient(engine):
    built = engine("parallel.devices=1", "task=adversarial", "task.epsilon=0.25")
    assert isinstance(built.settings.task, AdversarialClassification)
    data = built.split("train")
    batch = evaluation_batch(data, 0, 5)
    kernel = jax.random.normal(jax.random.key(0), (64, 10))

    def gradient(batch):
        def loss(inputs):
            outputs = inputs.reshape(5, -1) @ kernel
            return built.settings.task.losses(outputs, batch).mean()

        return jax.grad(loss)(batch.inputs)

    moved = built.settings.task.perturbed(batch, gradient)
    change = np.asarray(moved.inputs - batch.inputs)
    np.testing.assert_allclose(np.abs(change[change != 0]), 0.25, rtol=1e-4)
    before, after = (
        built.settings.task.losses(each.inputs.reshape(5, -1) @ kernel, batch).mean() for each in (batch, moved)
    )
    assert after > before


def climbed(engine, *arguments):
    """Images of a linear network, and the same after the steps of a task."""
    built = engine("parallel.devices=1", "data.normalize=unit", "task=adversarial", "task.epsilon=0.1", *arguments)
    task, data = built.settings.task, built.split("train")
    batch = evaluation_batch(data, 0, 5)._replace(keys=jax.random.split(jax.random.key(1), 5))
    kernel = jax.random.normal(jax.random.key(0), (64, 10))

    def loss(inputs):
        return task.losses(inputs.reshape(5, -1) @ kernel, batch).mean()

    moved = task.perturbed(batch, lambda own: jax.grad(loss)(own.inputs))
    return np.asarray(batch.inputs), np.asarray(moved.inputs), loss


@pytest.mark.heavy
def test_several_steps_climb_further_inside_the_ball_and_the_limits(engine):
    limits = "task.limits=[0,1]"
    before, one, loss = climbed(engine, limits)
    _, several, _ = climbed(engine, limits, "task.steps=5", "task.step_size=0.05", "task.random_start=true")
    for moved in (one, several):
        assert np.abs(moved - before).max() <= 0.1 + 1e-6
        assert 0 <= moved.min() <= moved.max() <= 1
    assert loss(jnp.asarray(before)) < loss(jnp.asarray(one)) <= loss(jnp.asarray(several)) + 1e-3
    _, free, _ = climbed(engine)
    assert free.min() < 0


@pytest.mark.heavy
def test_random_starts_differ_and_are_not_the_noise_of_the_network(engine):
    before, moved, _ = climbed(engine, "task.random_start=true", "task.step_size=1e-6")
    starts = (moved - before).reshape(5, -1)
    assert np.abs(np.corrcoef(starts) - np.eye(5)).max() < 0.6
    assert 0.04 < np.abs(starts).mean() < 0.06


def test_limits_are_in_order(engine):
    with pytest.raises(UserError, match=r"task: limits=\[1.0, 0.0\]: the first should be the smaller one"):
        climbed(engine, "task.limits=[1,0]")


@pytest.mark.heavy
def test_adversarial_training_without_a_step_is_plain_training_and_differs_with_one(engine):
    arguments = ("parallel.devices=1", "train.duration=5steps")
    plain, _ = trained(engine(*arguments))
    same, _ = trained(engine(*arguments, "task=adversarial", "task.epsilon=0"))
    other, _ = trained(engine(*arguments, "task=adversarial", "task.epsilon=0.2"))
    assert state_sha256(plain) == state_sha256(same)
    assert largest_difference(plain, other) > 1e-4


def test_data_without_the_target_of_a_task_names_what_it_has(compose):
    spec = compose().dataset().spec
    task = compose().task

    class Boxes(Classification):
        needs: ClassVar[tuple[str, ...]] = ("box",)

    task.check(spec, AUGMENT)
    with pytest.raises(UserError, match=r"the task needs the target box; data.name=digits has label"):
        Boxes(label_smoothing=0.0).check(spec, AUGMENT)


def test_a_task_that_cannot_mix_refuses_mixtures(compose):
    class Whole(Classification):
        mixes: ClassVar[bool] = False

    with pytest.raises(UserError, match="set them to 0 here"):
        Whole(label_smoothing=0.0).check(compose().dataset().spec, AUGMENT.model_copy(update={"mixup": 0.2}))


def test_an_unknown_metric_names_the_nearest(compose):
    with pytest.raises(UserError, match=r"measures no 'acuracy'; did you mean 'accuracy'"):
        compose().task.metric("acuracy")


def test_words_are_not_moved_along_a_gradient(compose):
    spec = compose().dataset().spec
    task = AdversarialClassification(label_smoothing=0.0, epsilon=0.1)
    task.check(spec, None)
    with pytest.raises(UserError, match=r"moves pixels along their gradient; data.name=digits has texts"):
        task.check(dataclasses.replace(spec, shape=(500,)), None)
