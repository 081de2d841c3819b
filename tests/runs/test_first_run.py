"""A run that was made before settings had kinds: its classes have moved since, and it goes on."""

import json
import shutil

import pytest

from src.training.load_run import load_run
from tests.conftest import ROOT

NAME = "filter_stack-digits-9718f7eda1"
ARGUMENTS = (
    "model=filter_stack", "model.width=4", "model.stages=1", "model.blocks=1", "data.batch_size=64",
    "debug.examples=256", "train.duration=12steps", "eval.every=4steps", "checkpoint.every=4steps", "checkpoint.keep=3",
    "data.augment.crop=1", "tracking.tensorboard=false", "tracking.progress=none",
)  # fmt: skip


@pytest.fixture
def old_run(tmp_path):
    shutil.copytree(ROOT / "tests/fixtures" / NAME, tmp_path / "runs" / NAME)
    return tmp_path / "runs" / NAME


@pytest.mark.heavy
def test_it_is_loaded(old_run):
    run = load_run(old_run)
    assert run.state.step == 12
    assert [state.step for state in run.states()] == [4, 8, 12]
    scores = run.engine.evaluate(run.state, "test")
    assert scores["loss"] == pytest.approx(run.directory.read_json("results.json")["test_loss"], abs=1e-5)


@pytest.mark.heavy
def test_it_is_known_to_be_finished_by_its_name(old_run, command):
    before = (old_run / "provenance.json").read_bytes()
    said = command("src.train", *ARGUMENTS, "model.block=separable").stdout
    assert "finished" in said
    assert (old_run / "provenance.json").read_bytes() == before


@pytest.mark.heavy
def test_it_goes_on(old_run, command):
    before = json.loads((old_run / "results.json").read_text())
    (old_run / "results.json").unlink()
    shutil.rmtree(old_run / "checkpoints/12")
    command("src.train", *ARGUMENTS, "model.block=separable")
    after = json.loads((old_run / "results.json").read_text())
    assert json.loads((old_run / "provenance.json").read_text())["resumed"][0]["step"] == 8
    assert after["test_loss"] == pytest.approx(before["test_loss"], abs=1e-4)
