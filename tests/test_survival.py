"""Runs that are killed, for real, and go on: they end with the bits of one that was left alone."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from src.tracking.weights_and_biases import recorded_steps
from tests.small import STACK

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    *STACK, "data.augment.crop=1", "data.batch_size=100", "train.duration=24steps", "train.log_every=4steps",
    "train.average=0.9", "eval.every=6steps", "checkpoint.every=5steps", "tracking.progress=none",
)  # fmt: skip
LONGER = (*SMALL, "train.duration=300steps")
CLOCK = {"seconds", "images_per_second"}
SLOW = pytest.mark.slow
KILLS = int(os.environ.get("KILLS", "10"))


def start(directory, *arguments, module=("src.train",), **environment):
    """Begins a run as a user would, in a given directory."""
    return subprocess.Popen(
        [sys.executable, "-m", *module, *arguments, f"hydra.run.dir={directory}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", **environment},
    )


def finish(directory, *arguments, **environment):
    """Runs to the end and gives what was said."""
    process = start(directory, *arguments, **environment)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out + err


def killed_at(directory, moment, pattern, number, *arguments, **environment):
    """Runs until the fault strikes."""
    process = start(
        directory, *arguments, module=("tests.faulty", moment, pattern, str(number), "src.train"), **environment
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, (process.returncode, out, err)


def timeless(path):
    lines = (path / "metrics.jsonl").read_text().splitlines(keepends=True)
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return [{name: value for name, value in row.items() if name not in CLOCK} for row in rows]


def final_state(path):
    """The newest checkpoint as it lies on disk."""
    steps = json.loads((path / "results.json").read_text())["steps"]
    return ocp.load(path / "checkpoints" / str(steps))


def assert_same(one, other):
    """Every bit of the final state, the whole history but for the clock, and the results are those of the other."""
    leaves = [jax.tree.leaves_with_path(final_state(path)) for path in (one, other)]
    for (name, mine), (_, others) in zip(*leaves, strict=True):
        assert np.asarray(mine).tobytes() == np.asarray(others).tobytes(), name
    assert timeless(one) == timeless(other)
    results = [json.loads((path / "results.json").read_text()) for path in (one, other)]
    assert all(results[0][name] == results[1][name] for name in results[0] if name not in CLOCK)
    with (one / "metrics.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [int(row["step"]) for row in rows] == [row["step"] for row in timeless(one)]


def assert_shown_once(path):
    """Every dashboard has every step of the history once."""
    steps = {row["step"] for row in timeless(path)}
    begun = json.loads((path / "provenance.json").read_text())
    name = f"{begun['identity']}-{datetime.fromisoformat(begun['started']):%Y%m%d%H%M%S}"
    assert sorted(recorded_steps(path, name)) == sorted({0, *steps})
    reader = EventAccumulator(str(path / "tensorboard"), size_guidance={"scalars": 0})
    reader.Reload()
    shown = [event.step for event in reader.Scalars("train/loss")]
    assert shown == [row["step"] for row in timeless(path) if "train_loss" in row]


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory):
    """A run that nobody disturbed."""
    path = tmp_path_factory.mktemp("left") / "alone"
    finish(path, *SMALL)
    return path


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("moment", "pattern", "number"),
    [
        pytest.param("before-rename", r"\d+\.part$", 2, id="a checkpoint is on its way", marks=SLOW),
        pytest.param("after-rename", r"\d+\.part$", 2, id="it is written and has no manifest", marks=SLOW),
        pytest.param("before-rename", r"\d+\.part/manifest.json$", 2, id="its manifest is on its way", marks=SLOW),
        pytest.param("before-rename", r"checkpoints/\d+$", 2, id="it is whole but not in its place"),
        pytest.param("after-rename", r"checkpoints/\d+$", 3, id="it counts, older ones are still there", marks=SLOW),
        pytest.param("append", "", 5, id="half a line of the metrics is written"),
        pytest.param("before-rename", r"results.json$", 1, id="all is done but the results"),
        pytest.param("before-rename", r"metrics.csv$", 2, id="the table is not in its place", marks=SLOW),
    ],
)
def test_a_run_killed_in_the_middle_of_a_write_ends_with_the_same_bits(tmp_path, left_alone, moment, pattern, number):
    path = tmp_path / "run"
    killed_at(path, moment, pattern, number, *SMALL)
    said = finish(path, *SMALL)
    assert "goes on from step" in said
    assert_same(path, left_alone)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("moment", "pattern"),
    [
        pytest.param("before-open", r"train\.log$"),
        ("before-rename", r"provenance\.json$"),
        pytest.param("before-rename", r"config\.yaml$"),
    ],
)
def test_a_run_killed_before_it_began_begins_again(tmp_path, moment, pattern):
    path, small = tmp_path / "run", ("model=dense", "train.duration=2steps", "tracking.progress=none")
    killed_at(path, moment, pattern, 1, *small)
    assert {found.name for found in path.iterdir()} <= {
        ".lock", "train.log", ".provenance.json.part", "provenance.json", ".config.yaml.part",
    }  # fmt: skip
    assert "after 2 steps" in finish(path, *small)


@pytest.mark.heavy
def test_ctrl_c_and_sigterm_save_and_say_how_they_ended(tmp_path, left_alone):
    path, codes = tmp_path / "run", []
    for starts, number in enumerate((signal.SIGINT, signal.SIGTERM), start=1):
        process = start(path, *LONGER, "checkpoint.every=1hours")
        wait_for(partial(beyond, path, process, starts))
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert "the same command goes on" in err
        codes.append(process.returncode)
    assert codes == [130, 143]
    assert finish(path, *LONGER).count("goes on from step") == 1
    finish(tmp_path / "alone", *LONGER)
    assert_same(path, tmp_path / "alone")
    provenance = json.loads((path / "provenance.json").read_text())
    steps = [resumed["step"] for resumed in provenance["resumed"]]
    assert 0 < steps[0] < steps[1] < 300


def beyond(path, process, starts=1):
    """Whether the process, which is the `starts`-th in this directory, has recorded something of its own."""
    assert process.poll() is None, process.communicate()
    if not (path / "metrics.jsonl").exists():
        return False
    resumed = json.loads((path / "provenance.json").read_text())["resumed"]
    begun = resumed[-1]["step"] if resumed else 0
    last = max((row["step"] for row in timeless(path)), default=0)
    return len(resumed) == starts - 1 and last > begun + 8


def wait_for(condition, seconds=120):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)


@pytest.mark.heavy
def test_a_damaged_checkpoint_is_told_and_the_one_before_it_is_used(tmp_path, left_alone):
    path = tmp_path / "run"
    killed_at(path, "before-rename", r"results.json$", 1, *SMALL)
    newest = max((path / "checkpoints").iterdir(), key=lambda found: int(found.name))
    (file,) = newest.glob("state/d/*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    said = finish(path, *SMALL)
    assert f"{newest} is damaged" in said
    assert "goes on from step 20" in said
    assert_same(path, left_alone)

    for found in (path / "checkpoints").iterdir():
        if found.name.isdecimal():
            (found / "manifest.json").write_text("{}")
    (path / "results.json").unlink()
    process = start(path, *SMALL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "every checkpoint" in err
    assert "fresh=true" in err


@pytest.mark.heavy
def test_a_checkpoint_of_another_run_is_refused_with_what_differs(tmp_path, left_alone):
    path = tmp_path / "run"
    shutil.copytree(left_alone, path)
    process = start(path, *SMALL, "model.width=8")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "holds another run: model.width is 16 there and 8 here" in err

    other = tmp_path / "other"
    killed_at(other, "before-rename", r"results.json$", 1, *SMALL, "seed=1")
    shutil.rmtree(other / "checkpoints")
    shutil.copytree(left_alone / "checkpoints", other / "checkpoints")
    process = start(other, *SMALL, "seed=1")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "belongs to another run: seed is 0 there and 1 here" in err


@pytest.mark.heavy
def test_two_processes_cannot_train_in_one_directory(tmp_path):
    path = tmp_path / "run"
    first = start(path, *LONGER)
    wait_for(partial(beyond, path, first))
    second = start(path, *LONGER)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"in use by process {first.pid} on " in err
    first.kill()
    first.communicate()
    assert "goes on from step" in finish(path, *LONGER)  # a dead holder holds nothing


@pytest.mark.heavy
def test_other_circumstances_are_said_and_do_not_stop_a_run(tmp_path):
    path = tmp_path / "run"
    killed_at(path, "before-rename", r"results.json$", 1, *SMALL)
    provenance = json.loads((path / "provenance.json").read_text())
    (path / "provenance.json").write_text(json.dumps({**provenance, "threads": 64}))
    assert "changed since: threads 64 -> " in finish(path, *SMALL)
    provenance = json.loads((path / "provenance.json").read_text())
    (path / "provenance.json").write_text(json.dumps({**provenance, "commit": "0000000"}))
    said = finish(path, *SMALL)
    assert "finished before" in said
    assert "are of commit 0000000" in said


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path):
    """KILLS=100 makes a longer campaign of it: `make survive`."""
    alone, path = tmp_path / "alone", tmp_path / "run"
    arguments = (*LONGER, "tracking=wandb", "tracking.progress=none")
    began = time.monotonic()
    finish(alone, *arguments)
    whole = time.monotonic() - began
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    moments, killed = random.Random(seed), 0
    print(f"SEED={seed}")
    while killed < KILLS:
        process = start(path, *arguments)
        time.sleep(moments.uniform(0.1, whole))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if (path / "results.json").exists():
            assert_same(path, alone)
            assert_shown_once(path)
            shutil.rmtree(path)
    finish(path, *arguments)
    assert_same(path, alone)
    assert_shown_once(path)
