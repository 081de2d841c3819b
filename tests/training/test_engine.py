"""The step: the same numbers on any number of devices and in dispatches of any size."""

import jax
import numpy as np
import pytest

from src.training.loop import Diverged, Training
from src.training.state import state_sha256
from src.training.step import zero_sums


def trained(engine, start=None):
    training = Training(engine, engine.initial_state() if start is None else start, lambda step: None)
    measured = list(training.measurements())
    return training.state, measured


def largest_difference(one, other):
    differences = jax.tree.map(
        lambda a, b: float(
            np.max(np.abs(np.asarray(a) - np.asarray(b)) / np.maximum(np.max(np.abs(np.asarray(a))), 1e-3))
        ),
        one.parameters,
        other.parameters,
    )
    return max(jax.tree.leaves(differences))


def test_devices_and_placements_agree_when_they_share_batch_statistics(engine):
    """Images are left as they are: a rectifier that stands within rounding of zero may open on one side only."""
    alone, _ = trained(engine("data.augment=null", "parallel.devices=1"))
    for placement, devices in (("jit", 2), ("jit", 8), ("pmap", 1), ("pmap", 2), ("pmap", 8)):
        together, _ = trained(engine("data.augment=null", f"parallel={placement}", f"parallel.devices={devices}"))
        assert largest_difference(alone, together) < 1e-5, (placement, devices)


def test_placements_agree_on_statistics_of_each_device_which_are_something_else(engine):
    arguments = ("data.augment=null", "parallel.batch_norm=local")
    alone, _ = trained(engine(*arguments, "parallel.devices=1"))
    jit, pmap = (trained(engine(*arguments, f"parallel={name}", "parallel.devices=2"))[0] for name in ("jit", "pmap"))
    assert largest_difference(jit, pmap) < 1e-5
    assert largest_difference(alone, jit) > 1e-3


def test_the_size_of_a_dispatch_does_not_change_a_bit(engine):
    arguments = ("parallel.devices=1", "train.log_every=100steps", "eval.every=100steps")
    sizes = (2, 5, 100)
    states = [trained(engine(*arguments, f"train.steps_per_dispatch={size}"))[0] for size in sizes]
    assert len({state_sha256(state) for state in states}) == 1


def test_equal_seeds_give_equal_bits_and_others_do_not(engine):
    shas = [state_sha256(trained(engine("parallel.devices=1", f"seed={seed}"))[0]) for seed in (0, 0, 1)]
    assert shas[0] == shas[1] != shas[2]


def test_a_run_that_goes_on_from_its_middle_ends_with_the_same_bits(engine):
    arguments = ("parallel.devices=1", "schedule=constant")
    built = engine(*arguments)
    whole, _ = trained(built)
    half, _ = trained(engine(*arguments, "train.duration=9steps"))
    rest, _ = trained(built, start=half)
    assert state_sha256(rest) == state_sha256(whole)


def test_scores_do_not_depend_on_the_evaluation_batch(engine):
    scores = []
    for batch_size, devices in ((360, 1), (100, 1), (7, 1), (100, 8)):
        built = engine(f"parallel.devices={devices}", f"eval.batch_size={batch_size}")
        scores.append(built.evaluate(built.initial_state(), built.split("test")))
    for score in scores:
        assert np.sum(score["confusion"]) == 360
        assert score["confusion"] == scores[0]["confusion"]
        assert score["loss"] == pytest.approx(scores[0]["loss"], rel=1e-5)


def test_the_host_waits_only_for_what_it_shows(engine, monkeypatch):
    """Each measurement costs one transfer from the device, and a step costs none."""
    built = engine("parallel.devices=1", "train.log_every=5steps", "eval.every=10steps", "train.duration=20steps")
    trained(built)  # compiles everything
    training = Training(built, built.initial_state(), lambda step: None)
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
        measured = list(training.measurements())
    assert len(measured) == 4 + 2
    assert len(fetches) == len(measured)
    assert hidden == []


def test_a_run_that_diverges_names_the_step_and_keeps_the_state_before_it(engine):
    built = engine("parallel.devices=1", "optimizer.learning_rate=1e30", "schedule=constant")
    training = Training(built, built.initial_state(), lambda step: None)
    with pytest.raises(Diverged) as caught:
        list(training.measurements())
    assert int(training.state.step) == caught.value.step < 20
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(training.state))


def test_measurements_say_what_was_learnt(engine):
    _, measured = trained(engine("parallel.devices=1", "train.duration=60steps", "schedule=constant"))
    losses = [row.values["loss"] for row in measured if row.split == "train"]
    assert losses[-1] < 0.7 * losses[0]
    assert [row.step for row in measured if row.split == "validation"] == [33, 60]


@pytest.mark.parametrize("placement", ["jit", "pmap"])
def test_both_steps_lower_for_accelerators(engine, placement):
    built = engine("parallel.devices=2", f"parallel={placement}", "train.steps_per_dispatch=10")
    state, data = built.initial_state(), built.split("train")
    sums = zero_sums(built.settings.task, built.outputs, detailed=True)
    programs = {
        built._chunk: (state, built.zero_sums(), data, built.order(0), np.int32(10)),
        built.evaluate._step: (state.parameters, state.statistics, sums, data, np.int32(0)),
    }
    for step, arguments in programs.items():
        traced = jax.jit(step).trace(*arguments)
        for platform in ("cuda", "tpu"):
            assert "stablehlo.convolution" in traced.lower(lowering_platforms=(platform,)).as_text()
