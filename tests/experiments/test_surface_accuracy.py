"""A plane of a tiny network from samples of the images, beside the exact one."""

import json

import numpy as np
import pytest

from experiments.surface_accuracy import AccuracyScale, report
from src.config.settings import read_settings
from src.landscape.surface import load

AXIS = {"first": -1.0, "last": 1.0, "steps": 5}
SCALE = {
    "common": [
        "model=dense", "model.hidden=[9]", "train.duration=60steps", "debug.examples=300", "tracking.tensorboard=false",
    ],
    "networks": [{"title": "one layer", "arguments": []}],
    "splits": ["test"], "images": None, "alpha": AXIS, "beta": AXIS, "normalization": "filter",
    "tolerance": {"relative": 0.1, "absolute": 0.05, "examples": 60}, "checked": 12,
    "close": {"relative": 0.2, "absolute": 0.1}, "seeds": [0],
}  # fmt: skip


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Reports the scale; gives what is told of its network, the table and the surface."""
    monkeypatch.chdir(tmp_path)
    report("tiny", read_settings(AccuracyScale, SCALE))
    home = tmp_path / "runs/figures/tiny"
    (facts,) = json.loads((home / "results.json").read_text())["facts"]
    assert (home / "samples.png").exists()
    return facts, (home / "table.md").read_text(), load(home / "one_layer.npz")


@pytest.mark.heavy
def test_samples_are_compared_with_all_images_point_by_point(made):
    facts, table, surface = made
    loss, error, examples = (surface.value(f"test_{name}").ravel() for name in ("loss", "loss_error", "examples"))
    assert facts["images_share"] == pytest.approx(examples.mean() / 300)
    assert 0 < facts["images_share"] < 1
    assert len({own["point"] for own in facts["points"]}) == facts["checked"] == 12
    apart = []
    for own in facts["points"]:
        assert (own["sampled"], own["error"]) == (loss[own["point"]], error[own["point"]])
        if examples[own["point"]] == 300:
            assert own["sampled"] == pytest.approx(own["exact"], rel=1e-5)
        apart.append(abs(own["sampled"] - own["exact"]))
    exact = np.array([own["exact"] for own in facts["points"]])
    assert 0 < max(apart / exact) == pytest.approx(facts["farthest"])
    assert facts["close"] == np.mean(np.array(apart) <= np.maximum(0.2 * exact, 0.1)) >= 0.9
    assert facts["two_errors"] >= 0.8
    assert "within 20 % or 0.1, %" in table
    assert (
        "- one layer, seed 0: no\n\nMeasured by " in table
    )  # a network so small takes more than a tenth of the images
