"""Checkpoints: the latest few, whole or not there, written while training goes on."""

import signal

import jax
import numpy as np
import pytest

from src.config.errors import UserError
from src.studies.runs import planned
from src.tracking.history import History
from src.tracking.sinks import Sinks
from src.training import checkpoints as module
from src.training import run as training
from src.training.checkpoints import Checkpoints
from src.training.fit import Fit
from src.training.interruption import Interrupted, Interruption
from src.training.state import Snapshot


@pytest.fixture
def built(engine):
    return engine("parallel.devices=1", "checkpoint.every=4steps")


def at_step(snapshot, step):
    return Snapshot(snapshot.state._replace(step=np.array(step, np.int32)), snapshot.sums)


def steps(path):
    return sorted(int(found.name) for found in path.iterdir() if found.name.isdecimal())


@pytest.mark.parametrize(("keep", "kept"), [(1, [9]), (2, [5, 9]), (None, [1, 5, 9])])
def test_the_latest_few_are_kept_and_the_latest_is_read(tmp_path, built, keep, kept):
    written, start = Checkpoints(tmp_path, {"seed": 0}, keep), built.beginning()
    for step in (1, 5, 9):
        written.save(at_step(start, step))
    written.wait()
    assert written.durable == 9
    assert steps(tmp_path) == kept
    found = Checkpoints(tmp_path, {"seed": 0}).latest(start)
    assert int(found.state.step) == 9
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(at_step(start, 9)), strict=True):
        assert np.array_equal(one, other)
        assert one.dtype == other.dtype


def test_what_is_saved_is_the_state_at_that_moment_though_training_takes_its_memory(tmp_path, built):
    checkpoints = Checkpoints(tmp_path, {})
    start = built.beginning()
    expected = jax.tree.map(np.array, jax.device_get(start))
    checkpoints.save(start)
    state, sums = start
    for stop in range(1, 6):
        state, sums = built.advance(state, sums, built.order(0), stop)
    jax.block_until_ready(state)
    checkpoints.wait()
    found = checkpoints.read(0, built.beginning())
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True))


def test_an_unfinished_checkpoint_does_not_count(tmp_path, built):
    checkpoints = Checkpoints(tmp_path, {})
    for step in (1, 2):
        checkpoints.save(at_step(built.beginning(), step))
    checkpoints.wait()
    (tmp_path / "2/manifest.json").unlink()
    assert int(Checkpoints(tmp_path, {}).latest(built.beginning()).state.step) == 1
    checkpoints.save(at_step(built.beginning(), 2))  # and is no obstacle
    checkpoints.wait()
    assert int(Checkpoints(tmp_path, {}).latest(built.beginning()).state.step) == 2


def test_a_full_disk_is_one_clear_error(tmp_path, built, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.ocp, "save", full)
    checkpoints = Checkpoints(tmp_path, {})
    checkpoints.save(built.beginning())
    with pytest.raises(UserError, match=r"cannot write a checkpoint into .*No space left on device"):
        checkpoints.wait()


@pytest.mark.parametrize(
    ("every", "expected"),
    [("4steps", [4, 8, 12, 16, 20]), ("0.2epochs", [7, 13, 20]), ("0.000001seconds", range(1, 21)), ("9hours", [20])],
)
def test_checkpoints_come_by_steps_by_epochs_and_by_the_clock(tmp_path, engine, every, expected):
    run = engine("parallel.devices=1", f"checkpoint.every={every}")
    checkpoints = Checkpoints(tmp_path, {})
    history = History(tmp_path / "metrics.jsonl", tmp_path / "metrics.csv", -1)
    Fit(run, run.beginning(), checkpoints, history, Sinks({}), Interruption()).run(lambda measured: None)
    history.close()
    assert steps(tmp_path) == list(expected)


def test_a_wish_to_stop_that_comes_too_late_for_a_run_is_not_forgotten(tmp_path, monkeypatch):
    """Its results are there, and whoever asked for several runs does not begin the next one."""
    monkeypatch.chdir(tmp_path)
    last = planned(["model=dense", "train.duration=3steps", "data.batch_size=40", "tracking.tensorboard=false"])

    def stopped(engine, state, score=training.score):
        signal.raise_signal(signal.SIGINT)
        return score(engine, state)

    monkeypatch.setattr(training, "score", stopped)
    with pytest.raises(Interrupted, match="stopped by SIGINT"):
        training.run(last.settings, last.config, last.directory.path)
    assert last.results()["steps"] == 3
