"""The step: the same numbers on any number of devices and in dispatches of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from src.data.batches import evaluation_batch
from src.models.base import Heads, heads
from src.training.loop import Loop
from src.training.state import state_sha256
from src.training.step import updated_average, zero_sums
from tests.small import DENSE
from tests.training.trained import Rows, largest_difference, trained


@pytest.mark.heavy
def test_devices_and_placements_agree_when_they_share_batch_statistics(engine):
    """Images are left as they are: a rectifier that stands within rounding of zero may open on one side only."""
    alone, _ = trained(engine("data.augment=null", "parallel.devices=1"))
    for placement, devices in (("jit", 2), ("jit", 8), ("pmap", 1), ("pmap", 2), ("pmap", 8)):
        together, _ = trained(engine("data.augment=null", f"parallel={placement}", f"parallel.devices={devices}"))
        assert largest_difference(alone, together) < 1e-5, (placement, devices)


@pytest.mark.heavy
def test_placements_agree_on_statistics_of_each_device_which_are_something_else(engine):
    arguments = ("data.augment=null", "parallel.batch_norm=local")
    alone, _ = trained(engine(*arguments, "parallel.devices=1"))
    jit, pmap = (trained(engine(*arguments, f"parallel={name}", "parallel.devices=2"))[0] for name in ("jit", "pmap"))
    assert largest_difference(jit, pmap) < 1e-5
    assert largest_difference(alone, jit) > 1e-3


@pytest.mark.heavy
def test_the_size_of_a_dispatch_does_not_change_a_bit(engine):
    arguments = ("parallel.devices=1", "train.log_every=100steps", "eval.every=100steps")
    sizes = (2, 5, 100)
    states = [trained(engine(*arguments, f"train.steps_per_dispatch={size}"))[0] for size in sizes]
    assert len({state_sha256(state) for state in states}) == 1


@pytest.mark.heavy
def test_equal_seeds_give_equal_bits_and_others_do_not(engine):
    shas = [state_sha256(trained(engine("parallel.devices=1", f"seed={seed}"))[0]) for seed in (0, 0, 1)]
    assert shas[0] == shas[1] != shas[2]


@pytest.mark.heavy
def test_a_run_that_goes_on_from_its_middle_ends_with_the_same_bits(engine):
    arguments = ("parallel.devices=1", "schedule=constant")
    built = engine(*arguments)
    whole, _ = trained(built)
    half, _ = trained(engine(*arguments, "train.duration=9steps"))
    rest, _ = trained(built, start=half)
    assert state_sha256(rest) == state_sha256(whole)


@pytest.mark.heavy
def test_scores_do_not_depend_on_the_evaluation_batch(engine):
    scores = []
    for batch_size, devices in ((360, 1), (100, 1), (7, 1), (100, 8)):
        built = engine(f"parallel.devices={devices}", f"eval.batch_size={batch_size}")
        scores.append(built.evaluate(built.init_state(), "test"))
    for score in scores:
        assert np.sum(score["confusion"]) == 360
        assert score["confusion"] == scores[0]["confusion"]
        assert score["loss"] == pytest.approx(scores[0]["loss"], rel=1e-5)


@pytest.mark.heavy
def test_the_host_waits_only_for_what_it_shows(engine, monkeypatch):
    """Each measurement costs one transfer from the device, and a step costs none."""
    built = engine("parallel.devices=1", "train.log_every=5steps", "eval.every=10steps", "train.duration=20steps")
    trained(built)  # compiles everything
    rows = Rows()
    loop = Loop(built, built.init_snapshot(), sink=rows)
    fetches, hidden, get, array = [], [], jax.device_get, type(jax.numpy.zeros(1))
    read = array._value

    def counted_get(tree):
        with monkeypatch.context() as allowed:
            allowed.setattr(array, "_value", read)
            fetches.append(tree)
            return get(tree)

    monkeypatch.setattr(jax, "device_get", counted_get)
    # On the CPU the guard lets everything pass, so reads of an array's value are counted as well.
    monkeypatch.setattr(array, "_value", property(lambda self: hidden.append(self) or read.__get__(self)))
    with jax.transfer_guard_device_to_host("disallow"):
        loop.run()
    assert len(rows.rows) == 4 + 2
    assert len(fetches) == len(rows.rows)
    assert hidden == []


@pytest.mark.heavy
def test_measurements_say_what_was_learnt(engine):
    _, measured = trained(engine("parallel.devices=1", "train.duration=60steps", "schedule=constant", model=DENSE))
    losses = [row["train_loss"] for row in measured if "train_loss" in row]
    assert losses[-1] < 0.7 * losses[0]
    assert [row["step"] for row in measured if "validation_loss" in row] == [33, 60]


@pytest.mark.heavy
@pytest.mark.parametrize("optimizer", ["nesterov", "adamw", "rmsprop", "lars", "muon"])
def test_every_optimizer_learns(engine, optimizer):
    arguments = ("parallel.devices=1", f"optimizer={optimizer}", "train.duration=300steps")
    _, measured = trained(engine(*arguments, model=DENSE))
    losses = [row["train_loss"] for row in measured if "train_loss" in row]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.heavy
def test_a_plateau_lowers_the_learning_rate_and_the_record_says_so(engine):
    arguments = ("schedule=plateau", "schedule.window=5steps", "schedule.patience=1", "optimizer.learning_rate=1e-9")
    _, measured = trained(engine("parallel.devices=1", *arguments, "train.log_every=5steps", "train.duration=40steps"))
    rates = [row["learning_rate"] for row in measured if "learning_rate" in row]
    assert rates[0] == pytest.approx(1e-9)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.2e-9


def test_the_learning_rate_on_record_is_that_of_the_step(engine):
    built = engine("parallel.devices=1", "schedule=cosine", "train.log_every=7steps", "train.duration=20steps")
    _, measured = trained(built)
    found = {row["step"]: row["learning_rate"] for row in measured if "learning_rate" in row}
    expected = {step: 0.1 * (1 + np.cos(np.pi * (step - 1) / 20)) / 2 for step in (7, 14, 20)}
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.heavy
def test_the_learning_rate_on_record_under_a_plateau_is_that_of_the_step(engine):
    """Gradients are clipped to a length of one, so that what a step of SGD moves is its learning rate."""
    built = engine(
        "parallel.devices=1", "schedule=plateau", "schedule.window=1step", "schedule.patience=1", "schedule.rate=0.5",
        "optimizer.momentum=0", "optimizer.weight_decay=0", "optimizer.clip_norm=1", "optimizer.learning_rate=1",
        model=DENSE,
    )  # fmt: skip
    state, moved, recorded = built.init_state(), [], []
    for stop in range(1, 9):
        before = jax.device_get(state.parameters)
        state, sums = built.advance(state, built.zero_sums(), built.order(0), stop)
        moved.append(float(optax.tree.norm(optax.tree.sub(state.parameters, before))))
        recorded.append(float(sums["learning_rate"]))
    assert recorded == pytest.approx(moved, rel=1e-3)
    assert recorded[-1] < recorded[0]


@pytest.mark.heavy
def test_slices_of_a_batch_add_up_to_its_gradient(engine):
    """Exactly so where no batch statistics are taken: with a learning rate of nearly nothing the objective says it."""
    arguments = ("parallel.devices=1", "train.duration=1step", "eval.every=1step", "optimizer.weight_decay=0")
    whole, sliced = (engine(*arguments, f"train.accumulation={count}") for count in (1, 4))
    for built in (whole, sliced):
        built.network.train = lambda p, s, x, keys, built=built: (heads(built.network(p, s, x)), s)
    (one, _), (other, _) = trained(whole), trained(sliced)
    assert largest_difference(one, other) < 1e-5


@pytest.mark.heavy
def test_slices_are_the_same_on_any_number_of_devices(engine):
    arguments = ("data.augment=null", "train.accumulation=2", "train.duration=5steps")
    one, four = (trained(engine(*arguments, f"parallel.devices={count}"))[0] for count in (1, 4))
    assert largest_difference(one, four) < 1e-5


@pytest.mark.heavy
def test_the_moving_average_is_what_is_scored(engine):
    built = engine("parallel.devices=1", "train.average=0.25", "schedule=constant", "train.duration=3steps")
    states, state, sums = [], built.init_state(), built.zero_sums()
    expected = jax.device_get(state.parameters)
    for stop in (1, 2, 3):
        state, sums = built.advance(state, sums, built.order(0), stop)
        states.append(jax.device_get(state.parameters))
        kept = stop / (9 + stop)  # the decay of TensorFlow's first steps, less than the one that is asked for
        expected = jax.tree.map(lambda old, new, d=kept: d * old + (1 - d) * new, expected, states[-1])
    averaged, _ = state.scored()
    for one, other in zip(jax.tree.leaves(averaged), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert largest_difference(state, state._replace(parameters=averaged)) > 1e-3


def test_the_moving_average_forgets_initial_weights_first_fast_and_then_as_asked():
    ones, zeros = {"kernel": jnp.ones(2)}, {"kernel": jnp.zeros(2)}
    for step, kept in ((0, 0.1), (8, 0.5), (80, 0.9), (8000, 0.9)):
        np.testing.assert_allclose(updated_average(ones, zeros, 0.9, jnp.int32(step))["kernel"], kept, rtol=1e-6)
    assert updated_average(None, ones, None, jnp.int32(0)) is None


@pytest.mark.heavy
def test_clipping_bounds_the_gradient(engine):
    free, bound = (
        engine("parallel.devices=1", "train.duration=1step", "eval.every=1step", "optimizer.weight_decay=0",
               "schedule=constant", f"optimizer.clip_norm={limit}")
        for limit in ("null", "0.01")
    )  # fmt: skip
    moved = []
    for built in (free, bound):
        before = jax.device_get(built.network.parameters)
        after, _ = trained(built)
        moved.append(float(optax.tree.norm(optax.tree.sub(after.parameters, before))))
    assert moved[1] == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert moved[0] > moved[1]


@pytest.mark.heavy
def test_bfloat16_stays_near_float32_and_keeps_its_parameters(engine):
    full, half = (trained(engine("parallel.devices=1", f"precision={name}"))[0] for name in ("float32", "bfloat16"))
    assert {leaf.dtype for leaf in jax.tree.leaves(half.parameters)} == {np.dtype("float32")}
    assert {leaf.dtype for leaf in jax.tree.leaves(half.batch_stats)} == {np.dtype("float32")}
    assert 1e-4 < largest_difference(full, half) < 1


@pytest.mark.heavy
def test_losses_are_float32_in_any_precision(engine):
    built = engine("parallel.devices=1", "precision=bfloat16")
    state, images = built.init_state(), evaluation_batch(built.split("test"), 0, 8).inputs
    assert built.network.module(state)(images).dtype == jnp.bfloat16
    assert built.network(*state.scored(), images).dtype == np.dtype("float32")
    half = jnp.zeros((2, 3), jnp.bfloat16)
    training = heads(Heads(half, (half,), 0.3))
    assert [leaf.dtype for leaf in (training.main, *training.auxiliary)] == [np.dtype("float32")] * 2


@pytest.mark.heavy
@pytest.mark.parametrize("placement", ["jit", "pmap"])
def test_both_steps_lower_for_accelerators(engine, placement):
    built = engine("parallel.devices=2", f"parallel={placement}", "train.steps_per_dispatch=10", "kernels=xla")
    state, data = built.init_state(), built.split("train")
    sums = zero_sums(built.settings.task, built.dataset.spec, detailed=True)
    programs = {
        built.dispatch: (state, built.zero_sums(), data, built.order(0), np.int32(10)),
        built.evaluation: (state.parameters, state.batch_stats, sums, data, np.int32(0)),
    }
    for step, arguments in programs.items():
        traced = jax.jit(step).trace(*arguments)
        for platform in ("cuda", "tpu"):
            assert "stablehlo.convolution" in traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.heavy
def test_the_first_images_bear_the_names_of_their_classes(engine):
    built = engine("data.augment=null")
    images, names = built.first_images(7)
    chosen = np.asarray(built.order(0).order)[:40]
    train = built.dataset.train
    np.testing.assert_allclose(images, train.inputs[chosen[:7]], atol=1e-3)
    assert names == [str(label) for label in train.targets["label"][chosen[:7]]]
    _, mixed = engine("data.augment.mixup=1.0").first_images(40)
    labels = [str(label) for label in train.targets["label"][chosen]]
    both = [own if own == other else f"{own} + {other}" for own, other in zip(labels, labels[::-1], strict=True)]
    assert mixed == both
