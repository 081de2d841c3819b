"""A run that diverges: where it stops, and what of it is kept."""

import jax
import numpy as np
import pytest

from src.training.loop import Diverged, Loop
from src.training.state import state_sha256
from tests.training.trained import Rows, trained


@pytest.mark.heavy
def test_a_run_that_diverges_names_the_step_and_keeps_the_state_before_it(engine):
    built = engine("parallel.devices=1", "optimizer.learning_rate=1e30", "schedule=constant")
    loop = Loop(built, built.init_snapshot())
    with pytest.raises(Diverged) as caught:
        loop.run()
    assert int(loop.state.step) == caught.value.step < 20
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(loop.state))


@pytest.mark.heavy
def test_a_run_that_stands_still_is_not_scored_at_steps_that_it_did_not_take(engine):
    built = engine(
        "parallel.devices=1", "optimizer.learning_rate=1e30", "schedule=constant", "eval.every=1step",
        "train.log_every=100steps",
    )  # fmt: skip
    rows = Rows()
    with pytest.raises(Diverged) as caught:
        Loop(built, built.init_snapshot(), sink=rows).run()
    assert [row["step"] for row in rows.rows] == list(range(1, caught.value.step + 1))


@pytest.mark.heavy
def test_parameters_that_overflow_are_no_good_state(engine):
    steep = ("optimizer.learning_rate=1e38", "optimizer.weight_decay=1000")
    built = engine("parallel.devices=1", *steep, "schedule=constant")
    loop = Loop(built, built.init_snapshot())
    with pytest.raises(Diverged, match="at step 0"):
        loop.run()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(loop.state))


@pytest.mark.heavy
def test_debugging_stops_at_the_operation_that_makes_a_nan(engine):
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        trained(engine("parallel.devices=1", "debug=nans", "optimizer.learning_rate=1e30", "schedule=constant"))


def test_a_state_that_has_failed_takes_no_further_step(engine):
    built = engine("parallel.devices=1")
    state, sums = built.init_state()._replace(failed=built.replicated(np.array(True))), built.zero_sums()
    before = state_sha256(state)
    state, sums = built.advance(state, sums, built.order(0), 1)
    assert (int(state.step), int(sums["steps"]), state_sha256(state)) == (0, 0, before)
    assert state.failed
