"""The spectrum over the plane of a network whose loss is convex: a linear classifier with cross-entropy."""

import json

import numpy as np
import pytest

from experiments.curvature import CurvatureScale, report
from src.config.settings import read_settings
from src.landscape.surface import load

AXIS = {"first": -1.0, "last": 1.0, "steps": 3}
SCALE = {
    "common": ["model=linear", "train.duration=60steps", "debug.examples=300", "tracking.tensorboard=false"],
    "networks": [{"title": "linear", "arguments": []}],
    "splits": ["train"], "images": 60, "alpha": AXIS, "beta": AXIS, "normalization": "filter", "products": 30,
    "seeds": [0, 1],
}  # fmt: skip


@pytest.mark.slow
def test_a_convex_loss_is_convex_at_every_point_of_every_plane(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report("tiny", read_settings(CurvatureScale, SCALE))
    home = tmp_path / "runs/figures/tiny"
    facts = json.loads((home / "results.json").read_text())["facts"]
    assert [own["seed"] for own in facts] == [0, 1]
    for own in facts:
        surface = load(home / f"linear_{own['seed']}.npz")
        assert surface.shape == (3, 3)
        assert (surface.value("largest") > 0).all()
        assert own["greatest_ratio"] == surface.value("curvature_ratio").max() < 1e-4
        assert own["largest"] == surface.value("largest")[1, 1]
        assert own["median_smallest"] == np.median(surface.value("smallest"))
    assert facts[0]["largest"] == pytest.approx(facts[1]["largest"], rel=1e-3)  # the middle is in both planes
    assert (home / "table.md").read_text().count("| linear") == 2
    assert (home / "ratio.png").exists()
