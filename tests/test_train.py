"""The commands, as a user types them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from src import evaluate
from src.data.cache import cache_home
from src.training.load_run import load_run
from tests.small import STACK

SMALL = (*STACK, "train.duration=12steps", "train.log_every=4steps", "data.batch_size=100")


def only_run(tmp_path):
    (path,) = (tmp_path / "runs").iterdir()
    return path


def rows(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def results(path):
    return json.loads((path / "results.json").read_text())


@pytest.mark.heavy
def test_a_run_leaves_everything_that_is_needed_to_repeat_it(tmp_path, command):
    done = command("src.train", *SMALL, "eval.test_curve=true")
    path = only_run(tmp_path)
    assert path.name.startswith("filter_stack-digits-")
    assert {
        "config.yaml",
        "metrics.jsonl",
        "metrics.csv",
        "provenance.json",
        "results.json",
        "checkpoints",
        "train.log",
    } <= {file.name for file in path.iterdir()}
    found = results(path)
    assert found["steps"] == 12
    assert found["parameters"] == 2_682
    assert 0 < found["seconds"] < 600
    assert np.sum(found["test_confusion"]) == 360
    assert f"{found['test_accuracy']:.2%}" in done.stdout
    provenance = json.loads((path / "provenance.json").read_text())
    assert {"commit", "dirty", "packages", "device", "threads", "command"} <= provenance.keys()
    measured = rows(path)
    assert [row["step"] for row in measured if "train_loss" in row] == [4, 8, 12]
    assert [row["step"] for row in measured if "validation_accuracy" in row] == [12]
    assert measured[-1]["test_accuracy"] == found["test_accuracy"]
    assert all(row["learning_rate"] <= 0.1 for row in measured if "train_loss" in row)

    again = json.loads(command("src.evaluate", f"run={path}", "split=test").stdout)
    for name in ("loss", "accuracy", "confusion", "class_accuracy", "top5_accuracy"):
        assert again[name] == found[f"test_{name}"]
    assert len(load_run(path).engine.network.parameters) == 2


@pytest.mark.heavy
def test_the_same_command_gives_the_same_bits_and_is_not_run_twice(tmp_path, command):
    command("src.train", *SMALL)
    path = only_run(tmp_path)
    first, history = results(path), rows(path)
    again = command("src.train", *SMALL, "tracking.progress=none")
    assert "finished before" in again.stdout
    assert results(path) == first
    command("src.train", *SMALL, "fresh=true")
    assert only_run(tmp_path) == path
    for name in ("state_sha256", "test_loss", "test_accuracy"):
        assert results(path)[name] == first[name]
    clock = {"seconds", "images_per_second"}
    timeless = [[{k: v for k, v in row.items() if k not in clock} for row in part] for part in (history, rows(path))]
    assert timeless[0] == timeless[1]


@pytest.mark.heavy
def test_results_of_another_run_are_not_taken_for_ones_own(tmp_path, command):
    target = f"hydra.run.dir={tmp_path}/mine"
    done = [
        subprocess.run([sys.executable, "-m", "src.train", *SMALL, target, seed], capture_output=True, text=True)
        for seed in ("seed=0", "seed=1")
    ]
    assert [process.returncode for process in done] == [0, 2]
    assert "holds another run" in done[1].stderr


@pytest.mark.slow
def test_huge_pages_do_not_change_a_bit(tmp_path, command):
    command("src.train", *SMALL)
    first = results(only_run(tmp_path))
    command("src.train", *SMALL, "fresh=true", GLIBC_TUNABLES="glibc.malloc.hugetlb=0")
    second = results(only_run(tmp_path))
    assert (first["state_sha256"], first["test_loss"]) == (second["state_sha256"], second["test_loss"])


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("parallel", "kernels", "costly"),
    [
        ("jit", "auto", "convnets_backward "),
        pytest.param("pmap", "auto", "convnets_backward ", marks=pytest.mark.slow),
        pytest.param("jit", "xla", "conv", marks=pytest.mark.slow),
    ],
)
def test_a_trace_says_where_the_time_goes(tmp_path, command, parallel, kernels, costly):
    how = (f"parallel={parallel}", f"kernels={kernels}")
    run = (*STACK, "debug=trace", "debug.duration=2steps", "debug.trace=2", *how)
    done = command("src.train", *run)
    lines = done.stdout.splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("operation")]
    assert "ms/step" in lines[start]
    assert any(costly in line for line in lines[start + 1 :])
    assert list((only_run(tmp_path) / "trace").rglob("*.xplane.pb"))


@pytest.mark.heavy
def test_a_dry_run_shows_everything_and_leaves_nothing(tmp_path, command):
    shown = command("src.train", "+experiment=resnet56_noskip", "data=digits", "dry_run=true").stdout
    for part in ("shortcut: none", "1,300 training", "blocks.26.conv2.conv", "852,730", "64,000 steps", "MiB"):
        assert part in shown
    assert not (tmp_path / "runs").exists()


@pytest.mark.heavy
def test_a_diverging_run_stops_and_keeps_its_last_good_state(tmp_path, command):
    done = command("src.train", *SMALL, "optimizer.learning_rate=1e30", check=False)
    assert done.returncode == 3
    assert "not finite at step 1" in done.stdout + done.stderr
    path = only_run(tmp_path)
    assert (path / "checkpoints/1/manifest.json").exists()
    assert "Diverged" in (path / "failure.txt").read_text()
    assert not (path / "results.json").exists()


@pytest.mark.heavy
def test_overfitting_one_batch_brings_its_loss_to_nothing(tmp_path, command):
    command("src.train", "model=dense", "model.hidden=[256]", "debug=overfit", "train.log_every=10steps")
    losses = [row["train_loss"] for row in rows(only_run(tmp_path)) if "train_loss" in row]
    assert losses[-1] < 0.02 * losses[0]


@pytest.mark.slow
def test_a_sweep_runs_every_job_in_its_own_directory(tmp_path, command):
    command("src.train", "-m", *SMALL, "debug=limit", "seed=0,1")
    assert sorted(results(path)["steps"] for path in (tmp_path / "runs").iterdir() if path.is_dir()) == [10, 10]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model.dpeth=20"], "did you mean 'model.depth'?"),
        (["-m", "seed=0,1", "model.depth=8,9"], "nearest: 8 and 14"),
        (["data.validation=1437"], "digits has 1437 training examples"),
        (["data.augment.crop=8"], "at most 7 leaves a part of each"),
        (["optimizer.learning_rate="], "optimizer.learning_rate is empty"),
        (["--config-name=trian"], "trian"),
        (["-m", "seed=0,1", "hydra/launcher=slurm"], "hydra/launcher=processes"),
        (["model.depth=8", "-m", "seed=0,1"], "come before or after them all"),
        (["hydra.job_logging.root.level=LOUD"], "hydra.job_logging: Unable to configure root logger: Unknown level"),
        (["hydra.hydra_logging.root.handlers=[x]"], "hydra.hydra_logging: Unable to configure root logger: Unable to"),
        (["hydra.verbose=5"], "hydra.verbose=5: should be true, false or names of loggers"),
        (["hydra/launcher=processes", "hydra.launcher.n_jobs=0"], "or -1 for one on each core"),
        (["-m", "seed=0,1", "hydra/launcher=processes", "hydra.launcher.n_jobs=0"], "or -1 for one on each core"),
    ],
)
def test_bad_input_is_one_line_exit_code_two_and_nothing_left_behind(tmp_path, command, arguments, said):
    done = command("src.train", *arguments, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.heavy
def test_a_network_that_does_not_fit_is_refused_before_the_first_job_of_a_sweep(tmp_path, command):
    done = command("src.train", "-m", *SMALL[len(STACK) :], "model=resnet,inception_v3", check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "Inception-v3 takes images of at least" in done.stderr
    assert not (tmp_path / "runs").exists()


def said(*arguments, **environment):
    """The code, and the one line that is said."""
    command = [sys.executable, "-m", "src.train", *arguments, "tracking.progress=none"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert len(done.stderr.splitlines()) <= 1, done.stderr
    return done.returncode, done.stderr + done.stdout


@pytest.mark.heavy
@pytest.mark.parametrize("fresh", ["fresh=true", "fresh=false"])
def test_a_directory_of_somebody_else_is_refused_and_left_alone(tmp_path, fresh):
    for name in ("checkpoints/5/weights", "results.json", "wandb/notes"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code, line = said(*SMALL, fresh, f"hydra.run.dir={tmp_path}/mine")
    assert (code, "holds checkpoints, results.json, wandb, which is not ours" in line) == (2, True)
    code, line = said("-m", *SMALL, fresh, f"hydra.sweep.dir={tmp_path}", "hydra.sweep.subdir=mine")
    assert (code, "holds checkpoints, results.json, wandb, which is not ours" in line) == (2, True)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.heavy
def test_the_record_of_another_sweep_is_not_replaced(tmp_path):
    (tmp_path / "multirun.yaml").write_text("mine: 1")
    code, line = said("-m", *SMALL, f"hydra.sweep.dir={tmp_path}", "seed=0,1")
    assert (code, "multirun.yaml is not ours" in line) == (2, True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine: 1"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "arguments",
    [["hydra.run.dir="], ["hydra.run.dir=' '"], ["-m", "hydra.sweep.dir="], ["-m", "hydra.sweep.subdir="]],
)
def test_a_directory_without_a_name_is_refused(arguments):
    code, line = said(*arguments, "dry_run=true")
    assert (code, line) == (2, f"error: {arguments[-1].partition('=')[0]} is empty; name a directory\n")


@pytest.mark.heavy
@pytest.mark.parametrize("arguments", [["hydra.run.dir"], ["-m", "hydra.sweep.dir"], ["-m", "hydra.sweep.subdir"]])
def test_a_directory_whose_name_refers_to_nothing_is_refused(arguments):
    code, line = said(*arguments[:-1], f"{arguments[-1]}=runs/${{x}}", "dry_run=true")
    assert (code, line) == (2, f"error: {arguments[-1]}: Interpolation key 'x' not found\n")


def test_why_hydra_does_not_take_a_value():
    code, line = said("hydra.run.dir=null")
    assert (code, "hydra.run.dir=null: field 'hydra.run.dir' is not Optional" in line, line.count("\n")) == (2, True, 1)


@pytest.mark.heavy
@pytest.mark.parametrize("quote", ["", '"'])
def test_home_is_home(tmp_path, quote):
    run = f"hydra.run.dir={quote}~/x{quote}"
    code, line = said(*SMALL, run, "train.duration=2steps", HOME=str(tmp_path), CONVNETS_CACHE=str(cache_home()))
    assert (code, f"{tmp_path}/x" in line) == (0, True)
    assert results(tmp_path / "x")["steps"] == 2
    assert not Path("~").exists()


@pytest.mark.heavy
def test_a_directory_may_have_any_name(tmp_path):
    name = "a[1] *? \\ \u00fc u\u0308 '{}$(&;"
    code, _ = said(*SMALL, "train.duration=2steps", f'hydra.run.dir="{tmp_path}/{name}"')
    assert code == 0
    assert load_run(tmp_path / name).state.step == 2


@pytest.mark.heavy
def test_damaged_results_are_made_again_from_the_last_checkpoint(tmp_path):
    run = f"hydra.run.dir={tmp_path}/x"
    assert said(*SMALL, run)[0] == 0
    before = results(tmp_path / "x")
    (tmp_path / "x" / "results.json").write_text("{")
    code, line = said(*SMALL, run)
    assert (code, "remove it, and the command that trained makes it again" in line) == (2, True)
    (tmp_path / "x" / "results.json").unlink()
    code, line = said(*SMALL, run)
    assert (code, "goes on from step 12" in line) == (0, True)
    assert results(tmp_path / "x") | {"seconds": before["seconds"]} == before


@pytest.mark.heavy
def test_an_unwritable_directory_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    target = f"hydra.run.dir={tmp_path}/file/run"
    done = subprocess.run([sys.executable, "-m", "src.train", target], capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "cannot write the run directory" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run=nowhere"], "run=nowhere does not exist"),
        (["run=/etc/passwd"], "run=/etc/passwd exists, but is a file and no run"),
        (["run=src"], "has no config.yaml"),
        (["runs=src"], "did you mean 'run'?"),
        (["run=src", "split=tset"], "'train', 'validation' or 'test'"),
        (["run=[a"], "run=[a does not exist"),
        (["run=r #1"], "run=r #1 does not exist"),
        (["run=2024"], "run=2024 does not exist"),
        (["run=off"], "run=off does not exist"),
        (["run=1e5"], "run=1e5 does not exist"),
        (["run="], "run is empty"),
        (["runs/a"], "settings are written key=value, like run=runs/a"),
        ([], "run is missing"),
    ],
)
def test_evaluating_what_is_no_run_is_one_line(refused, arguments, said):
    code, line = refused(evaluate, *arguments)
    assert code == 2
    assert said in line


@pytest.mark.heavy
def test_the_default_run_learns_digits(tmp_path, command):
    started = time.monotonic()
    command("src.train")
    assert results(only_run(tmp_path))["test_accuracy"] >= 0.97
    assert time.monotonic() - started < 600


@pytest.mark.slow
def test_the_quick_profile_learns_real_images(tmp_path, command):
    command("src.train", "+experiment=resnet20", "+profile=quick")
    found = results(only_run(tmp_path))
    assert found["parameters"] == 269_722
    assert np.sum(found["test_confusion"]) == 10_000
    assert found["test_accuracy_interval"][0] > 0.35
