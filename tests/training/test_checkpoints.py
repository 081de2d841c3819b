"""Checkpoints: the latest few, whole or not there, written while training goes on."""

import json
import signal

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from src.config.errors import UserError
from src.studies.runs import planned
from src.tracking.history import History
from src.training import run as training
from src.training.checkpoints import Checkpoints
from src.training.interruption import Interrupted
from src.training.loop import Loop
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
    written, start = Checkpoints(tmp_path, {"seed": 0}, keep), built.init_snapshot()
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


@pytest.mark.heavy
def test_what_is_saved_is_the_state_at_that_moment_though_training_takes_its_memory(tmp_path, built):
    checkpoints = Checkpoints(tmp_path, {})
    start = built.init_snapshot()
    expected = jax.tree.map(np.array, jax.device_get(start))
    checkpoints.save(start)
    state, sums = start
    for stop in range(1, 6):
        state, sums = built.advance(state, sums, built.order(0), stop)
    jax.block_until_ready(state)
    checkpoints.wait()
    found = checkpoints.read(0, built.init_snapshot())
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True))


def test_an_unfinished_checkpoint_does_not_count(tmp_path, built):
    checkpoints = Checkpoints(tmp_path, {})
    for step in (1, 2):
        checkpoints.save(at_step(built.init_snapshot(), step))
    checkpoints.wait()
    (tmp_path / "2/manifest.json").unlink()
    assert int(Checkpoints(tmp_path, {}).latest(built.init_snapshot()).state.step) == 1
    checkpoints.save(at_step(built.init_snapshot(), 2))  # and is no obstacle
    checkpoints.wait()
    assert int(Checkpoints(tmp_path, {}).latest(built.init_snapshot()).state.step) == 2


ODD = [
    "a[1]",
    "back\\slash",
    "*?",
    "ü",
    "u\u0308",
    "\udcff",
    "x" * 200,
    "".join(map(chr, range(32, 127))).replace("/", ""),
]


@pytest.mark.parametrize("name", ODD)
def test_a_checkpoint_is_read_back_whatever_its_directory_is_called(tmp_path, built, name):
    path = tmp_path / name / "checkpoints"
    Checkpoints(path, {}).check_writable()
    assert list(path.iterdir()) == []
    checkpoints = Checkpoints(path, {})
    checkpoints.save(at_step(built.init_snapshot(), 3))
    checkpoints.wait()
    assert int(Checkpoints(path, {}).latest(built.init_snapshot()).state.step) == 3


def test_a_checkpoint_that_cannot_be_read_back_does_not_count(tmp_path, built, monkeypatch):
    monkeypatch.setattr(ocp, "load", lambda path, like: jax.tree.map(lambda leaf: leaf + 1, like))
    checkpoints = Checkpoints(tmp_path, {})
    with pytest.raises(UserError, match="what was written is read as something else"):
        checkpoints.check_writable()
    checkpoints.save(built.init_snapshot())
    with pytest.raises(UserError, match=r"cannot write a checkpoint into .* is read as something else"):
        checkpoints.wait()
    assert (checkpoints.durable, steps(tmp_path)) == (-1, [])


@pytest.fixture
def written(tmp_path, built):
    """Checkpoints of two steps."""
    checkpoints = Checkpoints(tmp_path, {"seed": 0}, 2)
    for step in (1, 2):
        checkpoints.save(at_step(built.init_snapshot(), step))
        checkpoints.wait()
    return tmp_path


def latest(path, built):
    return int(Checkpoints(path, {"seed": 0}).latest(built.init_snapshot()).state.step)


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def weights(path, step):
    (file,) = (path / str(step)).glob("state/d/*")
    return file


def test_files_of_others_in_a_checkpoint_do_no_harm_and_come_to_none(written, built):
    folders = [path for path in written.rglob("*") if path.is_dir()]
    for folder in folders:
        for name in (".DS_Store", "._x", "mine.txt"):
            (folder / name).write_bytes(b"mine")
    assert latest(written, built) == 2
    checkpoints = Checkpoints(written, {"seed": 0}, 1)
    checkpoints.save(at_step(built.init_snapshot(), 3))  # the others are no longer kept
    checkpoints.wait()
    checkpoints.clear()
    left = [path for path in written.rglob("*") if path.is_file()]
    assert {path.read_bytes() for path in left} == {b"mine"}
    assert len(left) == 3 * len(folders)
    checkpoints.save(at_step(built.init_snapshot(), 2))
    checkpoints.wait()
    assert (written / "foreign-2" / "mine.txt").exists()
    assert latest(written, built) == 2


def test_checkpoints_that_are_all_damaged_stay_until_one_is_repaired(written, built):
    for step in (1, 2):
        flip(weights(written, step))
    for _ in range(2):
        with pytest.raises(UserError, match=r"every checkpoint in .* is damaged \(2: state/d/\w+ was changed; 1: "):
            latest(written, built)
    flip(weights(written, 2))
    assert latest(written, built) == 2


def test_all_that_were_set_aside_are_looked_at_again(written, built):
    for step in (1, 2):
        flip(weights(written, step))
        (written / str(step)).rename(written / f"damaged-{step}")
    with pytest.raises(UserError, match="every checkpoint"):
        latest(written, built)
    flip(weights(written, 1))
    assert latest(written, built) == 1
    assert (written / "damaged-2").exists()


def test_nothing_that_was_set_aside_is_replaced(written, built):
    (written / "damaged-2").mkdir()
    (written / "damaged-2" / "mine.txt").touch()
    weights(written, 2).unlink()
    assert latest(written, built) == 1
    assert (written / "damaged-2" / "mine.txt").exists()
    assert (written / "damaged-2-2" / "manifest.json").exists()


def test_a_fresh_start_is_not_held_up_by_a_damaged_manifest(written, built):
    (written / "2" / "manifest.json").write_text("{}")
    checkpoints = Checkpoints(written, {"seed": 0})
    checkpoints.clear()
    assert checkpoints.latest(built.init_snapshot()) is None
    assert steps(written) == []


def test_a_manifest_names_no_files_elsewhere(written, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "mine.txt"
    outside.write_text("mine")
    manifest = written / "2" / "manifest.json"
    names = [str(outside), f"../../../{outside.parent.name}/mine.txt"]
    manifest.write_text(json.dumps({"settings": {}, "files": dict.fromkeys(names, "")}))
    Checkpoints(written, {}).clear()
    assert outside.exists()


def test_a_full_disk_is_one_clear_error(tmp_path, built, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ocp, "save", full)
    checkpoints = Checkpoints(tmp_path, {})
    checkpoints.save(built.init_snapshot())
    with pytest.raises(UserError, match=r"cannot write a checkpoint into .*No space left on device"):
        checkpoints.wait()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("every", "expected"),
    [("4steps", [4, 8, 12, 16, 20]), ("0.2epochs", [7, 13, 20]), ("0.000001seconds", range(1, 21)), ("9hours", [20])],
)
def test_checkpoints_come_by_steps_by_epochs_and_by_the_clock(tmp_path, engine, every, expected):
    run = engine("parallel.devices=1", f"checkpoint.every={every}")
    checkpoints = Checkpoints(tmp_path, {})
    history = History(tmp_path / "metrics.jsonl", tmp_path / "metrics.csv", -1)
    Loop(run, run.init_snapshot(), sink=history, checkpoints=checkpoints).run()
    history.close()
    assert steps(tmp_path) == list(expected)


@pytest.mark.heavy
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
