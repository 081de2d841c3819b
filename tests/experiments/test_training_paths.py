"""The path of a tiny run in its principal plane, from its checkpoints to the table."""

import json

import numpy as np
import pytest

from experiments.training_paths import PathScale, report
from src.config.errors import UserError
from src.config.settings import read_settings
from src.landscape.surface import load
from src.runs.versions import version

SCALE = {
    "common": [
        "model=dense", "model.hidden=[9]", "train.duration=60steps", "debug.examples=300", "tracking.tensorboard=false",
        "checkpoint.every=20steps",
    ],
    "networks": [{"title": "one layer", "arguments": ["checkpoint.keep=null"]}],
    "splits": ["train"], "images": 60, "margin": 0.3, "steps": 5,
}  # fmt: skip


@pytest.mark.heavy
def test_a_path_ends_in_the_network_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report("tiny", read_settings(PathScale, SCALE))
    home = tmp_path / "runs/figures/tiny"
    facts = json.loads((home / "results.json").read_text())["facts"]["one layer"]
    path = facts["checkpoints"]
    assert [point["step"] for point in path] == [0, 20, 40, 60]
    assert path[-1]["coordinates"] == [0, 0]
    assert path[-1]["residual"] == 0
    assert abs(path[0]["coordinates"][0]) > abs(path[1]["coordinates"][0]) > abs(path[2]["coordinates"][0]) > 0
    assert 0.5 < facts["explained"][0] < sum(facts["explained"]) <= 1
    assert facts["explained"][0] > facts["explained"][1]
    assert "| one layer" in (home / "table.md").read_text()
    assert (home / "paths.png").exists()
    surface = load(home / "one_layer.npz")
    assert surface.shape == (5, 5)
    places = np.array([point["coordinates"] for point in path])
    beyond = 0.3 * np.ptp(places, axis=0)
    for axis, low, high in zip(surface.plane(), places.min(axis=0) - beyond, places.max(axis=0) + beyond, strict=True):
        assert axis[0] <= low
        assert axis[-1] >= high


@pytest.mark.heavy
def test_a_run_that_did_not_keep_its_checkpoints_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = [{"title": "one layer", "arguments": ["checkpoint.keep=1"]}]
    with pytest.raises(UserError, match="kept 1 of the 3 checkpoints that are needed"):
        report("tiny", read_settings(PathScale, SCALE | {"networks": few}))


@version(1)
def refused(*arguments):
    pytest.fail("made again")


@pytest.mark.heavy
def test_a_path_that_is_drawn_again_lies_in_the_plane_that_was_cached(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scale = read_settings(PathScale, SCALE)
    report("tiny", scale)
    before = (tmp_path / "runs/figures/tiny/one_layer.npz").read_bytes()
    monkeypatch.setattr("experiments.training_paths.principal", refused)
    report("tiny", scale)
    assert (tmp_path / "runs/figures/tiny/one_layer.npz").read_bytes() == before
