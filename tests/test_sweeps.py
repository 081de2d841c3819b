"""Many runs: sweeps and searches that fail in parts, are interrupted, and go on."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hydra.core.utils import JobReturn, JobStatus
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from src.config.compose import compose_jobs
from src.config.settings import read_settings
from src.runs.directory import RunDirectory
from src.runs.sweep import Job, as_table, settings_of
from src.tasks.classification import Classification
from src.training.launchers import ProcessesApart
from src.tuning.settings import Dimension, SearchSettings
from src.tuning.study import Failed, best, ended, open_study, search

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "model.depth=8", "data.augment.crop=1", "data.batch_size=100", "train.duration=12steps", "train.log_every=4steps",
    "tracking.progress=none",
)  # fmt: skip


def finished(path, seed, accuracy, depth=8):
    run = RunDirectory(path / f"resnet-digits-{depth}{seed}")
    run.path.mkdir()
    if accuracy is not None:
        run.write_results({"test_accuracy": accuracy, "test_interval": [0, 1], "steps": 3})
    return Job(run, ["train.duration=3steps", f"model.depth={depth}", f"seed={seed}"])


def test_a_table_has_number_mean_and_deviation_of_each_setting_and_names_what_failed(tmp_path):
    jobs = [finished(tmp_path, 0, 0.5), finished(tmp_path, 1, 0.7), finished(tmp_path, 0, 0.9, depth=14)]
    jobs.append(finished(tmp_path, 1, None, depth=14))
    jobs[3].directory.write_failure("Traceback\nsrc.training.loop.Diverged: not finite\n")
    table = as_table(settings_of(jobs), {"test_accuracy"})
    lines = [line.split() for line in table.splitlines()]
    assert lines[0] == ["|", "setting", "|", "n", "|", "test_accuracy", "|"]
    assert lines[2] == ["|", "model.depth=8", "|", "2", "|", "60.00", "±", "14.14", "%", "|"]
    assert lines[3] == ["|", "model.depth=14", "|", "1", "|", "90.00", "%", "|"]
    assert f"- {jobs[3].directory.path}: Diverged: not finite" in table


def test_runs_that_differ_in_their_seed_alone_are_one_setting_with_the_name_of_the_run(tmp_path):
    (setting,) = settings_of([finished(tmp_path, seed, 0.5) for seed in range(3)])
    assert (setting.name, len(setting.scores)) == ("resnet-digits", 3)


def test_a_run_that_is_named_twice_counts_once(tmp_path):
    one, other = finished(tmp_path, 0, 0.5), finished(tmp_path, 1, 0.5)
    (setting,) = settings_of([one, other, one])
    assert len(setting.scores) == 2


@pytest.mark.slow
def test_results_of_before_do_not_stand_for_a_job_that_failed(tmp_path, command):
    command("src.train", "-m", *SMALL, "seed=0,1")
    apart = ("hydra/launcher=processes", "parallel.devices=50")  # whose devices are looked at by the jobs alone
    done = command("src.train", "-m", *SMALL, "seed=0,1", "fresh=true", *apart, check=False)
    assert done.returncode == 1
    assert "|   0 |" in done.stdout
    assert done.stdout.count("parallel.devices=50: there are") == 2
    assert command("src.train", "-m", *SMALL, "seed=0,1").stdout.count("|   2 |") == 1


@pytest.mark.heavy
def test_one_job_that_fails_does_not_stop_the_others_and_the_sweep_says_so(tmp_path, command):
    arguments = ("-m", *SMALL, "optimizer.learning_rate=1e30,0.1", "seed=0")
    done = command("src.train", *arguments, check=False)
    assert done.returncode == 1
    assert "Not finished:" in done.stdout
    assert "Diverged" in done.stdout
    (table,) = (tmp_path / "runs").glob("sweep-*.md")
    assert "optimizer.learning_rate=0.1" in table.read_text()
    with table.with_suffix(".csv").open() as file:
        (row,) = csv.DictReader(file)
    assert 0 < float(row["test_accuracy"]) < 1


@pytest.mark.heavy
@pytest.mark.parametrize("launcher", ["processes", pytest.param("submitit_local", marks=pytest.mark.slow)])
def test_jobs_run_side_by_side(tmp_path, command, launcher):
    done = command("src.train", "-m", *SMALL, "seed=0,1", f"hydra/launcher={launcher}")
    (table,) = (tmp_path / "runs").glob("sweep-*.md")
    assert "|   2 |" in table.read_text()
    assert "|   2 |" in done.stdout


@pytest.mark.heavy
def test_a_process_that_is_killed_ends_no_other(capsys):
    def job(number, overrides):
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return JobReturn(status=JobStatus.COMPLETED, _return_value=number)

    returned = ProcessesApart(n_jobs=2)((job, (number, [f"seed={number}"]), {}) for number in range(4))
    assert [done.return_value for done in returned] == [0, None, 2, 3]
    assert capsys.readouterr().err == "error: the process of seed=1 was killed; the others go on\n"


@pytest.mark.heavy
@pytest.mark.parametrize("launcher", ["processes", pytest.param("submitit_local", marks=pytest.mark.slow)])
def test_a_killed_job_is_missing_from_the_table_and_the_others_are_in_it(tmp_path, launcher):
    arguments = ("-m", *SMALL, "train.duration=100steps", "seed=0,1,2", f"hydra/launcher={launcher}")
    command = [sys.executable, "-m", "src.train", *arguments, f"hydra.sweep.dir={tmp_path}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not begun(tmp_path):
        assert process.poll() is None
        time.sleep(0.05)
    killed = tmp_path / begun(tmp_path).pop()
    os.kill(int((killed / ".lock").read_text().split()[1]), signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "the others go on" in err
    assert "|   2 |" in out
    assert f"- {killed}: killed or interrupted, or it never began" in out
    assert len(list(tmp_path.glob("*/results.json"))) == 2


@pytest.mark.heavy
def test_ctrl_c_ends_a_sweep_side_by_side_when_its_jobs_are_saved(tmp_path):
    arguments = ("-m", *SMALL, "train.duration=3000steps", "seed=0,1,2", "hydra/launcher=processes")
    command = [sys.executable, "-m", "src.train", *arguments, f"hydra.sweep.dir={tmp_path}"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while len(begun(tmp_path)) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "stopped by SIGINT; the same command goes on"
    assert len(list(tmp_path.glob("*/checkpoints/*/manifest.json"))) == 2


def test_the_configuration_for_slurm_is_one_that_submitit_takes():
    from hydra_plugins.hydra_submitit_launcher.config import SlurmQueueConf

    job, _ = compose_jobs("train", ["-m", "seed=0,1", "hydra/launcher=slurm"])
    launcher = job.hydra.launcher
    assert launcher._target_.endswith("SlurmLauncher")
    assert set(launcher) <= set(SlurmQueueConf.__dataclass_fields__)
    assert launcher.max_num_timeout == 20


def begun(path):
    return {found.name for found in path.glob("resnet-digits-*") if (found / "metrics.jsonl").exists()}


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_a_sweep_that_was_interrupted_goes_on_in_the_same_directories(tmp_path, command, number):
    home = tmp_path / "runs"
    arguments = ("-m", *SMALL, "train.duration=100steps", "checkpoint.every=5steps", "seed=0,1,2")
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *arguments, f"hydra.sweep.dir={home}"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
    )  # fmt: skip
    while not any((path / "metrics.jsonl").stat().st_size for path in home.glob("*/") if path.name in begun(home)) or (
        len(begun(home)) < 2
    ):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(timeout=60) == (130 if number == signal.SIGINT else -number)
    first = {path: path.stat().st_mtime_ns for path in home.glob("*/results.json")}
    assert len(first) == 1
    done = command("src.train", *arguments)
    assert done.stdout.count("finished before") == 1
    assert len(begun(home)) == 3
    assert all(path.stat().st_mtime_ns == written for path, written in first.items())
    assert "|   3 |" in done.stdout


def searched(**changes):
    values = {
        "trials": 12, "metric": "validation_loss", "prune": False, "directory": "runs",
        "space": [{"key": "x", "low": 0.1, "high": 10.0, "log": True}, {"key": "kind", "choices": ["a", "b"]}],
    }  # fmt: skip
    return read_settings(SearchSettings, values | changes)


@pytest.mark.parametrize(("metric", "better"), [("validation_loss", 0.25), ("validation_accuracy", 0.75)])
def test_the_metric_says_which_scores_are_better(tmp_path, metric, better):
    settings = searched(metric=metric, trials=2)
    direction = settings.score(Classification(label_smoothing=0.0)).direction
    study, scores = open_study(settings, direction, tmp_path / "journal"), iter((0.25, 0.75))
    search(study, settings, 0, lambda trial: next(scores))
    assert best(study).value == better


def bowl(trial):
    return (trial.params["x"] - 1) ** 2 + (trial.params["kind"] == "b")


class Died(BaseException):
    """What a process that is killed does not live to handle."""


def test_a_search_that_was_interrupted_proposes_what_it_would_have_proposed(tmp_path):
    settings = searched()
    whole = open_study(settings, "minimize", tmp_path / "whole")
    search(whole, settings, 0, bowl)

    def dies(trial):
        if trial.number == 5:
            raise Died
        return bowl(trial)

    with pytest.raises(Died):
        search(open_study(settings, "minimize", tmp_path / "parts"), settings, 0, dies)
    parts = open_study(settings, "minimize", tmp_path / "parts")
    search(parts, settings, 0, bowl)
    search(parts, settings, 0, bowl)  # there is nothing left to do
    assert [trial.params for trial in ended(parts)] == [trial.params for trial in ended(whole)]
    assert len(ended(parts)) == 12
    assert len(parts.trials) == 13  # the orphan, and its second attempt
    assert best(parts).value == best(whole).value


def test_a_search_that_was_killed_while_it_wrote_its_journal_goes_on(tmp_path, monkeypatch):
    settings = searched(trials=4)
    search(open_study(settings, "minimize", tmp_path / "journal"), searched(trials=2), 0, bowl)
    (tmp_path / "journal.lock").symlink_to("runs/search/journal")  # as Optuna's lock: it leads nowhere from here
    with (tmp_path / "journal").open("a") as journal:
        journal.write('{"op_code":5,"worker_id":"3f')
    monkeypatch.setattr(os, "symlink", lambda *paths: pytest.fail("a lock that outlives its process"))
    study = open_study(settings, "minimize", tmp_path / "journal")
    search(study, settings, 0, bowl)
    assert len(ended(study)) == 4
    assert len(ended(open_study(settings, "minimize", tmp_path / "journal"))) == 4


@pytest.mark.heavy
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(4, marks=pytest.mark.slow),
        5,
        pytest.param(6, marks=pytest.mark.slow),
        pytest.param(7, marks=pytest.mark.slow),
    ],
)
def test_a_search_that_is_killed_at_its_journal_does_not_hang(tmp_path, number):
    arguments = ("model=linear", *SMALL[2:], "search.trials=1", f"search.directory={tmp_path}")
    command = [sys.executable, "-m", "tests.faulty", "before-open", "journal.log", str(number), "src.search"]
    assert subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True).returncode == -signal.SIGKILL
    again = [sys.executable, "-m", "src.search", *arguments]
    done = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "best: 0." in done.stdout


def test_failed_and_pruned_trials_count_and_an_orphan_is_reported_again(tmp_path):
    settings = searched(trials=10, prune=True)
    seen = []

    def objective(trial):
        if trial.number == 1:
            raise Failed("diverged")
        if trial.number == 8 and not seen:
            trial.report(0.0, 1)
            seen.append(trial.number)
            raise Died
        if trial.number == 9:
            seen.append(dict(study.trials[9].intermediate_values))
        trial.report(float(trial.number), 2)
        if trial.should_prune():
            raise __import__("optuna").TrialPruned
        return float(trial.number)

    study = open_study(settings, "minimize", tmp_path / "journal")
    with pytest.raises(Died):
        search(study, settings, 0, objective)
    search(study, settings, 0, objective)
    states = [trial.state.name for trial in ended(study)]
    assert len(states) == 10
    assert states[1] == "FAIL"
    assert "PRUNED" in states
    assert seen == [8, {1: 0.0}]


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        ({"key": "x"}, "either low and high, or choices"),
        ({"key": "x", "low": 0.0, "high": 1.0, "log": True}, "low > 0"),
        ({"key": "x", "low": 2.0, "high": 1.0}, "low < high"),
    ],
)
def test_a_dimension_without_room_is_refused(dimension, said):
    with pytest.raises(Exception, match=said):
        Dimension.model_validate(dimension)


@pytest.mark.heavy
def test_a_killed_search_goes_on_and_resumes_the_run_of_its_orphan(tmp_path):
    arguments = (
        *SMALL, "train.duration=100steps", "eval.every=10steps", "checkpoint.every=5steps", "search.trials=3",
        "search.prune=false", f"search.directory={tmp_path}",
    )  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "src.search", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("resnet-*/checkpoints/2?/manifest.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    done = subprocess.run([sys.executable, "-m", "src.search", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "goes on from step" in done.stderr
    (table,) = tmp_path.glob("search-*/trials.csv")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete"] * 3
    assert len(list(tmp_path.glob("resnet-*/results.json"))) == 3
    assert "python -m src.train" in done.stdout


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data.validation=0"], "needs a validation split"),
        (["search=learning_rat"], "did you mean 'learning_rate'?"),
        (["search.trails=3"], "did you mean 'search.trials'?"),
        (
            ["search.space=[{key: optimizer.lerning_rate, low: 0.1, high: 1.0}]"],
            "did you mean 'optimizer.learning_rate'",
        ),
        (["search.space=[{key: optimizer.momentum, low: 0.1, high: 7.0}]"], "optimizer.momentum=7.0"),
        (["search.metric=validation_acc"], "the task measures no 'acc'; known are: accuracy, "),
        (["search.metric=test_accuracy"], "only the validation split may decide, as validation_accuracy"),
        (["search.metric=validation_confusion"], "no value of it is the better; validation_accuracy has one"),
    ],
)
def test_a_search_that_cannot_work_is_one_line(tmp_path, command, arguments, said):
    done = command("src.search", f"search.directory={tmp_path}/runs", *arguments, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.heavy
def test_the_sweep_file_of_wandb_makes_a_command_that_trains(tmp_path, command):
    sweep = yaml.safe_load((ROOT / "experiments/sweeps/wandb.yaml").read_text())
    chosen = {
        name: parameter.get(
            "value", parameter.get("values", [None])[0] if "values" in parameter else parameter.get("min")
        )
        for name, parameter in sweep["parameters"].items()
    }
    pieces = create_sweep_command_args({"args": {name: {"value": value} for name, value in chosen.items()}})
    template = create_sweep_command(sweep["command"])
    made = [
        part for piece in template for part in (pieces["args_no_hyphens"] if piece == "${args_no_hyphens}" else [piece])
    ]
    assert made[:5] == ["${env}", "python", "-m", "src.train", "+experiment=resnet20"]
    shown = command("src.train", *made[4:], "dry_run=true").stdout
    assert "269,722" in shown
    assert json.dumps(chosen["optimizer.learning_rate"]) in shown
