"""Experiments that take seconds, run as a user would; what they find is exact."""

import json

import numpy as np
import pytest

from experiments import imagenet_winners, pooling, shared_weight_gradient, tabular_conv1d
from src.studies import results


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Sends results to a folder of the test's own, and reads them back."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["experiment"])

    def read(name):
        folder = tmp_path / name
        assert list(folder.glob("*.png"))
        return json.loads((folder / "results.json").read_text())["facts"]

    return read


def test_terms_of_connections_add_up_to_the_gradient(written):
    shared_weight_gradient.main()
    found = written("shared_weight_gradient")
    assert found["signals"] == [1, -1, -0.5]
    assert found["terms"] == [[0.5, 1, -1], [-1, -2, -0.5]]
    assert found["sums"] == found["gradient"] == [0.5, -3.5]
    assert found["fig13_largest_difference"] < 1e-5


@pytest.mark.parametrize("experiment", [shared_weight_gradient, pooling, imagenet_winners])
def test_an_experiment_without_settings_takes_none(experiment, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["experiment", "--help"])
    with pytest.raises(SystemExit) as stop:
        experiment.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: --help: this command has no settings\n"


def test_pooling_gives_what_the_chapter_prints(written, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    monkeypatch.setattr(pooling, "first_images", lambda data, count: image)
    pooling.main()
    found = written("pooling")
    assert found["pooled"]["max"] == found["published"]["max"]
    assert found["pooled"]["L1"] == [[13, 21], [8, 8]]


def test_fig_13():
    assert tabular_conv1d.fig13() == (4, 4)
