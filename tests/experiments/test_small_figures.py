"""Experiments that take seconds, run as a user would; what they find is exact."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments import (
    class_templates,
    imagenet_winners,
    localisation,
    pooling,
    segmentation,
    segmentation_networks,
    shared_weight_gradient,
    shift_equivariance,
    tabular_conv1d,
    training_curves,
)
from src.config.errors import UserError
from src.studies import output


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Sends results to a folder of the test's own, and reads them back."""
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["experiment"])

    def read(name, file="results.json"):
        folder = tmp_path / name
        assert list(folder.glob("*.png"))
        return json.loads((folder / file).read_text())["facts"]

    return read


@pytest.mark.heavy
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
    assert capsys.readouterr().err == "error: --help: this command has no settings but output=FOLDER\n"


@pytest.mark.heavy
def test_pooling_gives_what_the_chapter_prints(written, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    monkeypatch.setattr(pooling, "first_images", lambda data, count: image)
    pooling.main()
    found = written("pooling")
    assert found["pooled"]["max"] == found["published"]["max"]
    assert found["pooled"]["L1"] == [[13, 21], [8, 8]]


def test_fig_13():
    assert tabular_conv1d.fig13() == (4, 4)


@pytest.mark.heavy
def test_convolution_is_equivariant_to_the_last_bit_and_strides_are_so_at_their_multiples(written, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), np.uint8)
    monkeypatch.setattr(shift_equivariance, "first_images", lambda data, count: image)
    shift_equivariance.main()
    found = written("shift_equivariance")
    gaps, changes = found["equivariance_gap"], found["change"]
    assert set(gaps["convolution"]) == {0}
    for name, stride in (("convolution, stride 2", 2), ("convolution, max-pool 2", 2), ("convolution, max-pool 4", 4)):
        assert [shift for shift, gap in enumerate(gaps[name]) if gap == 0] == list(range(0, 9, stride)), name
    assert set(changes["convolution, global max-pool"]) == {0}
    assert min(changes["dense"][1:]) > 0.1


@pytest.mark.heavy
def test_templates_and_curves_of_a_run(written, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["data=digits", "train.duration=100steps", "data.batch_size=64", "tracking.tensorboard=false"]
    monkeypatch.setattr("sys.argv", ["class_templates", *small])
    class_templates.main()
    found = written("class_templates", "results_digits.json")
    assert found["parameters"] == 64 * 10 + 10
    right, wrong = (max(score["scores"]) == score["scores"][int(score["label"])] for score in found["scores"])
    assert {right, wrong} == {True, False}
    (run,) = Path("runs").glob("linear_mnist-*")
    monkeypatch.setattr("sys.argv", ["training_curves", str(run)])
    training_curves.main()
    (row,) = written("training_curves")
    assert (row["test_accuracy"], row["steps"], row["shortcut"]) == (found["test_accuracy"], 100, None)
    assert f"{100 * (1 - row['test_accuracy']):.1f}" in capsys.readouterr().out


@pytest.mark.parametrize(("run", "said"), [("none", "none does not exist"), (".", "is not a finished run: it has no")])
def test_curves_need_finished_runs(run, said, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["training_curves", run])
    with pytest.raises(SystemExit) as stop:
        training_curves.main()
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.heavy
def test_masks_are_drawn_of_a_run_of_segmentation_alone(tmp_path, monkeypatch, capsys, written):
    monkeypatch.chdir(tmp_path)
    small = (
        "data.train=60",
        "data.validation=10",
        "data.test=8",
        "data.batch_size=8",
        "train.duration=3steps",
        "model.filters=4",
    )
    monkeypatch.setattr("sys.argv", ["segmentation", *small])
    segmentation.main()
    found = written("segmentation", "results.json")
    assert list(found["classes"]) == ["background", "circle", "square", "triangle"]
    assert f"mean IoU {found['mean_iou']:.2%}" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["segmentation", "task=classification", "data=digits", "model=linear"])
    with pytest.raises(SystemExit):
        segmentation.main()
    assert "this figure needs task=segmentation" in capsys.readouterr().err


@pytest.mark.heavy
def test_boxes_are_drawn_of_a_run_of_localisation_alone(tmp_path, monkeypatch, capsys, written, compose):
    monkeypatch.chdir(tmp_path)
    small = (
        "data.train=60",
        "data.validation=10",
        "data.test=14",
        "data.batch_size=8",
        "data.image_size=24",
        "train.duration=4steps",
        "eval.every=2steps",
        "model.body.filters=[4,4,4,4,4]",
        "model.hidden=8",
    )
    monkeypatch.setattr("sys.argv", ["localisation", *small])
    localisation.main()
    found = written("localisation")
    rows = found["classes"].values()
    assert sum(row["objects"] for row in rows) == 14
    for name in ("accuracy", "mean_iou", "localised"):
        of_all = sum(row["objects"] * row[name] for row in rows) / 14
        assert of_all == pytest.approx(100 * found[name], abs=1e-3)
    assert f"mean IoU {found['mean_iou']:.2%}" in capsys.readouterr().out
    with pytest.raises(UserError, match="runs/other says no box; this figure needs task=localisation"):
        localisation.check_localisation(compose(), Path("runs/other"))


@pytest.mark.slow
def test_networks_for_pixels_are_trained_side_by_side(tmp_path, monkeypatch, written):
    monkeypatch.chdir(tmp_path)
    small = ("data.train=48", "data.validation=8", "data.test=8", "data.batch_size=8", "train.duration=2steps")
    monkeypatch.setattr("sys.argv", ["segmentation_networks", *small])
    segmentation_networks.main()
    rows = written("segmentation_networks")["networks"]
    assert list(rows) == ["full resolution", "FCN-32s", "FCN-16s", "FCN-8s", "encoder–decoder"]
    assert len({row["run"] for row in rows.values()}) == 5
    assert rows["encoder–decoder"]["parameters"] == 58_420
    assert rows["FCN-32s"]["parameters"] < rows["FCN-16s"]["parameters"] < rows["FCN-8s"]["parameters"]
