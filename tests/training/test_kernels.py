"""Runs by kernels of our own: chosen by a setting, written down, and gone on with."""

import json
import logging

import pytest

from src.layers.residual import Block
from src.runs.identity import run_hash
from src.training import kernels
from src.training.from_hydra import compose_runs, run_config, run_settings
from src.training.run import run
from tests.training.trained import largest_difference, trained

SMALL = ("model.depth=8", "data.augment.crop=1", "data.batch_size=40", "parallel.devices=1", "tracking.progress=none")


class Killed(Exception):
    pass


def kill(measured):
    raise Killed


def ran(path, *arguments, on_evaluation=lambda measured: None):
    """Results and record of a run of six steps."""
    more = ("train.duration=6steps", "eval.every=2steps", "checkpoint.every=1steps", *arguments)
    (job,) = compose_runs("train", [*SMALL, *more])
    try:
        results = run(run_settings(job), run_config(job), path, on_evaluation)
    except Killed:
        results = None
    return results, json.loads((path / "provenance.json").read_text())


def test_kernels_are_the_default_and_the_name_of_a_run_does_not_tell(compose):
    assert compose().kernels == "auto"
    assert run_hash(compose()) == run_hash(compose("kernels=xla"))


@pytest.mark.heavy
def test_training_by_kernels_is_training(engine):
    """Parameters after five steps, to 1e-5 of the largest of each array, as between numbers of devices."""
    few = ("parallel.devices=1", "train.duration=5steps")
    ours, xla = (engine(*few, f"kernels={name}", model=("model.depth=8",)) for name in ("auto", "xla"))
    assert ours.kernels is not None
    assert xla.kernels is None
    (state, _), (other, _) = trained(ours), trained(xla)
    assert 0 < largest_difference(other, state) < 1e-5
    assert type(ours.network.module(state).blocks[0]) is Block


@pytest.mark.heavy
def test_a_run_goes_on_with_its_kernels(tmp_path, caplog):
    whole, record = ran(tmp_path / "whole", "kernels=auto")
    assert record["kernels"] == record["kernels_built"]["key"]
    cut, begun = ran(tmp_path / "cut", "kernels=auto", on_evaluation=kill)
    assert cut is None
    assert begun["kernels"] == record["kernels"]
    caplog.set_level(logging.INFO, "src.training.run")  # studies make it quiet
    results, resumed = ran(tmp_path / "cut", "kernels=auto")
    assert results["state_sha256"] == whole["state_sha256"]
    assert [start["kernels"] for start in resumed["resumed"]] == [record["kernels"]]
    assert "bits may differ" not in caplog.text


@pytest.mark.heavy
def test_a_run_whose_kernels_are_gone_says_so(tmp_path, caplog, monkeypatch):
    _, begun = ran(tmp_path, "kernels=auto", on_evaluation=kill)
    monkeypatch.setattr(kernels, "kernels", lambda *wanted: None)
    caplog.set_level(logging.INFO, "src.training.run")  # studies make it quiet
    assert ran(tmp_path, "kernels=auto")[0]["steps"] == 6
    assert f"changed since: kernels {begun['kernels']} -> xla, so bits may differ" in caplog.text


@pytest.mark.heavy
def test_a_run_that_began_by_xla_goes_on_by_xla(tmp_path, caplog):
    ran(tmp_path, "kernels=xla", on_evaluation=kill)
    caplog.set_level(logging.INFO, "src.training.run")  # studies make it quiet
    _, record = ran(tmp_path, "kernels=auto")
    assert [start["kernels"] for start in record["resumed"]] == ["xla"]
    assert "bits may differ" not in caplog.text


@pytest.mark.heavy
def test_bits_do_not_depend_on_the_number_of_threads(command, tmp_path):
    """XLA's operations give other bits for each of these numbers."""
    run = (*SMALL, "model.depth=20", "train.duration=5steps", "kernels=auto", "fresh=true")
    states = set()
    for threads in "125":
        command("src.train", *run, NPROC=threads)
        (results,) = tmp_path.glob("runs/*/results.json")
        states.add(json.loads(results.read_text())["state_sha256"])
    assert len(states) == 1


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["fast", "null"])
def test_other_kernels_are_refused(command, name):
    done = command("src.train", f"kernels={name}", check=False)
    assert done.returncode == 2
    assert "should be 'auto' or 'xla'" in done.stderr
    assert done.stderr.count("\n") == 1
