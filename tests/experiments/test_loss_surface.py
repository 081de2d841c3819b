"""Surfaces of tiny networks, from their training to the table."""

import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from experiments.loss_surface import SurfaceScale, report
from src.config.errors import UserError
from src.config.settings import read_settings
from src.landscape.directions import gaussian
from src.landscape.objective import split_objective
from src.landscape.surface import load
from src.runs.provenance import UNKNOWN
from src.runs.versions import version
from tests.conftest import ROOT

TINY = ["model=dense", "model.hidden=[9]", "train.duration=60steps", "debug.examples=300", "tracking.tensorboard=false"]
AXIS = {"first": -1.0, "last": 1.0, "steps": 5}
SCALE = {
    "common": TINY, "seeds": [0], "splits": ["train", "test"], "images": 60, "alpha": AXIS, "beta": AXIS,
    "normalization": "filter", "batch_norm": "frozen", "directions": "gaussian", "orthogonal": False, "hessian": None,
    "tolerance": None,
    "networks": [{"title": "one layer", "arguments": [], "published": 12.0}],
}  # fmt: skip


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Reports a scale with some changes; gives what is told of its network, the table and the surface."""
    monkeypatch.chdir(tmp_path)

    def make(**changes):
        scale = read_settings(SurfaceScale, SCALE | changes)
        report("tiny", scale)
        facts = json.loads((make.home / "results.json").read_text())["facts"]["one layer"]
        name = "one_layer" if len(scale.seeds) == 1 else f"one_layer_{scale.seeds[0]}"
        return facts, (make.home / "table.md").read_text(), load(make.home / f"{name}.npz")

    make.home = tmp_path / "runs/figures/tiny"
    return make


@pytest.mark.heavy
def test_means_are_over_pairs_of_directions_and_published_errors_stand_beside_ours(made):
    facts, table, surface = made(seeds=[0, 1])
    for ending in ("npz", "csv", "vts"):
        assert {path.stem for path in made.home.glob(f"*.{ending}")} == {"one_layer_0", "one_layer_1"}
    assert (facts["pairs"], facts["non_convex"]["n"], facts["below"]["1.0"]["n"]) == (2, 2, 2)
    assert " ± " in table
    assert "| test error % | published test error % |" in table
    assert re.search(r"\| +12\.00 \|", table.splitlines()[2])
    assert facts["curvature"] is None
    assert "eigenvalue" not in table
    middle = surface.value("test_accuracy")[2, 2]
    assert facts["test_error"] == pytest.approx(100 * (1 - middle))
    alone, _, again = made(seeds=[1])
    assert (facts["seeds"], alone["seeds"]) == ([0, 1], [1])
    np.testing.assert_array_equal(surface.value("train_loss")[2, 2], again.value("train_loss")[2, 2])
    apart = np.abs(surface.value("train_loss") - again.value("train_loss")) / again.value("train_loss")
    assert np.median(apart) > 0.05  # two seeds give two surfaces through one network
    both = [100 * np.mean(each.value("train_loss") < 1.0) for each in (surface, again)]
    assert facts["below"]["1.0"]["mean"] == pytest.approx(np.mean(both))
    assert alone["below"]["1.0"]["mean"] == pytest.approx(both[1])


@pytest.mark.slow
def test_along_eigenvectors_the_surface_curves_by_the_eigenvalues(made):
    """Exactly so only where the loss is smooth: without hidden units, which have kinks."""
    near = {"first": -0.02, "last": 0.02, "steps": 3}
    smooth = [text.replace("[9]", "[]") for text in TINY]
    changes = {"directions": "eigenvectors", "normalization": "none", "hessian": 60, "common": smooth}
    facts, table, surface = made(**changes, alpha=near, beta=near, splits=["train"])
    loss = surface.value("train_loss").astype(np.float64)
    first, second = (np.diff(line, 2)[0] / 0.02**2 for line in (loss[:, 1], loss[1]))
    assert facts["eigenvalues"] == pytest.approx([first, second], rel=0.05)
    assert facts["eigenvalues"][0] == pytest.approx(facts["curvature"]["largest"], rel=0.02)
    assert facts["curvature"]["ratio"] == abs(facts["curvature"]["smallest"] / facts["curvature"]["largest"])
    assert re.search(r"\| largest eigenvalue \| smallest \| an eigenvalue within \| +ratio \|", table)
    assert facts["test_error"] is None


@pytest.mark.slow
def test_the_second_direction_may_lose_its_part_along_the_first(made):
    _, _, surface = made()
    facts, _, turned = made(orthogonal=True)
    assert facts["orthogonal"] is True
    np.testing.assert_array_equal(surface.value("train_loss")[:, 2], turned.value("train_loss")[:, 2])
    assert not np.allclose(surface.value("train_loss")[:, 0], turned.value("train_loss")[:, 0])
    assert math.isfinite(facts["loss"])


@pytest.mark.slow
def test_biases_move_if_asked(made):
    _, _, still = made()
    facts, _, moved = made(one_dimensional=True)
    assert facts["one_dimensional"] is True
    assert not np.allclose(still.value("train_loss")[0], moved.value("train_loss")[0])
    assert still.value("train_loss")[2, 2] == moved.value("train_loss")[2, 2]


@pytest.mark.slow
def test_statistics_may_be_those_of_the_moved_weights(made):
    """In the middle as elsewhere they are the training images', and not the run's."""
    normalized = ["model=resnet", "model.depth=8", "train.duration=20steps", *TINY[3:]]
    few = AXIS | {"steps": 3}
    _, _, frozen = made(common=normalized, alpha=few, beta=few)
    facts, _, recalibrated = made(common=normalized, alpha=few, beta=few, batch_norm="recalibrated")
    assert facts["batch_norm"] == "recalibrated"
    apart = np.abs(frozen.value("test_loss") / recalibrated.value("test_loss") - 1)
    assert apart[1, 1] > 1e-3
    assert (apart > 1e-3).mean() > 0.5


@pytest.mark.heavy
def test_a_run_is_drawn_from_its_directory(made, tmp_path):
    facts, _, surface = made()
    (run,) = tmp_path.glob("runs/dense-*")
    run.rename(tmp_path / "elsewhere")
    named, _, again = made(networks=[{"title": "one layer", "run": str(tmp_path / "elsewhere")}])
    np.testing.assert_array_equal(surface.value("test_loss"), again.value("test_loss"))
    assert named["trained"]["arguments"] == [f"run={tmp_path / 'elsewhere'}"]
    assert facts["trained"]["commit"] == named["trained"]["commit"]
    with pytest.raises(UserError, match=r"run=.*nowhere does not exist"):
        made(networks=[{"title": "one layer", "run": str(tmp_path / "nowhere")}])
    with pytest.raises(UserError, match=r"the network 'one layer' needs arguments of src.train, or a run"):
        made(networks=[{"title": "one layer"}])
    with pytest.raises(UserError, match="run=a has its own settings and weights; leave out arguments"):
        made(networks=[{"title": "one layer", "run": "a", "arguments": ["seed=1"]}])


@version(1)
def refused(*arguments, **more):
    pytest.fail("made again")


def code(monkeypatch, commit):
    """Makes the code that of a commit."""
    monkeypatch.setattr("src.runs.provenance.commit", lambda: commit)
    monkeypatch.setattr("src.runs.provenance.dirty", lambda: False)


@pytest.mark.heavy
def test_results_quote_the_code_that_measured_and_not_the_code_that_put_them_together(made, monkeypatch):
    code(monkeypatch, "earlier")
    made(hessian=60)
    code(monkeypatch, "later")
    facts, table, surface = made(hessian=60)
    record = json.loads((made.home / "results.json").read_text())
    assert record["made_with"]["commit"] == "later"
    quoted = [*record["measured_by"], *facts["measured_by"], *facts["curvature"]["measured_by"]]
    assert facts["measured_by"] == surface.metadata["measured_by"]
    assert all(text.startswith("earlier, ") for text in quoted)
    footer = f"Measured by {'; '.join(record['measured_by'])}."
    assert table.endswith(f"|\n\n{footer}\n")
    with Image.open(made.home / "contours.png") as picture:
        assert picture.info["Comment"] == footer


@pytest.mark.heavy
@pytest.mark.parametrize(("changed", "directions"), [(split_objective, 1), (gaussian, 2)])
def test_another_version_measures_again(made, tmp_path, monkeypatch, changed, directions):
    """Along other directions every point is another one; other losses lie along the same directions."""
    code(monkeypatch, "earlier")
    _, _, surface = made()
    code(monkeypatch, "later")
    monkeypatch.setattr(changed, "version", 2)
    _, _, again = made()
    commits = {text.partition(",")[0] for text in again.metadata["measured_by"]}
    assert commits == ({"earlier", "later"} if directions == 1 else {"later"})
    assert len(list(tmp_path.glob("runs/directions/*.npz"))) == directions
    assert len(list(tmp_path.glob("runs/surfaces/*.jsonl"))) == 2
    assert again.metadata[f"version of {changed.__name__}"] == 2
    np.testing.assert_array_equal(surface.value("test_loss"), again.value("test_loss"))


@pytest.mark.heavy
def test_directions_from_before_there_were_provenances_are_of_unknown_code(made, tmp_path):
    made()
    (cached,) = tmp_path.glob("runs/directions/*.npz")
    with np.load(cached) as arrays:
        before = {name: arrays[name] for name in arrays.files if name != "provenance"}
    np.savez(cached, **before)
    _, table, again = made()
    points, directions = again.metadata["measured_by"]
    assert directions == UNKNOWN != points
    assert table.endswith(f"; {UNKNOWN}.\n")


@pytest.mark.heavy
def test_directions_are_cached_and_used_again(made, tmp_path, monkeypatch):
    _, _, surface = made()
    (cached,) = tmp_path.glob("runs/directions/*.npz")
    for path in tmp_path.glob("runs/surfaces/*"):
        path.unlink()
    monkeypatch.setattr("src.studies.directions.gaussian", refused)
    _, _, again = made()
    np.testing.assert_array_equal(surface.value("test_loss"), again.value("test_loss"))
    cached.write_bytes(cached.read_bytes()[:100])
    with pytest.raises(UserError, match="is damaged; remove it to measure anew"):
        made()


@pytest.mark.heavy
def test_a_tolerance_is_kept_with_fewer_images(made):
    _, _, exact = made(images=None)
    tolerance = {"relative": 0.15, "absolute": 0.05, "examples": 60}
    facts, table, surface = made(images=None, tolerance=tolerance)
    assert facts["tolerance"] == tolerance
    assert facts["non_convex"] is None
    assert "| images % |" in table
    for split in ("train", "test"):
        loss, error = surface.value(f"{split}_loss"), surface.value(f"{split}_loss_error")
        assert (error <= np.maximum(0.15 * loss, 0.05)).all()
        apart = np.abs(loss - exact.value(f"{split}_loss"))
        assert (apart <= 4 * error + 1e-5).all()
        assert surface.value(f"{split}_examples").mean() < 0.8 * 300


def test_samples_have_fixed_statistics():
    with pytest.raises(UserError, match="a tolerance needs batch_norm=frozen"):
        read_settings(
            SurfaceScale,
            SCALE | {"batch_norm": "batch", "tolerance": {"relative": 0.1, "absolute": 0.1, "examples": 20}},
        )


def test_weights_from_elsewhere_need_a_mean_for_every_channel(tmp_path):
    (tmp_path / "theirs.npz").touch()
    weights = {"file": str(tmp_path / "theirs.npz"), "mean": [1.0, 2.0, 3.0], "std": [1.0, 1.0, 1.0]}
    scale = SCALE | {"networks": [{"title": "theirs", "arguments": ["model=resnet"], "weights": weights}], "common": []}
    with pytest.raises(UserError, match=r"theirs: weights.mean needs a number for each of 1 channels, not 3"):
        read_settings(SurfaceScale, scale).trained_networks()


@pytest.mark.heavy
def test_without_the_published_weights_one_line_says_where_they_are(tmp_path):
    where = {"PYTHONPATH": str(ROOT), "CONVNETS_CACHE": str(tmp_path / "cache")}
    for study, scale in (("loss_surface", "published"), ("surface_accuracy", "quick")):
        done = subprocess.run(
            [sys.executable, "-m", f"experiments.{study}", f"scale={scale}"],
            cwd=tmp_path,
            env=os.environ | where,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert done.stderr == (
            "error: ResNet-56: there is no file data/li2018/resnet56.npz; docs/surfaces.md says how to get it\n"
        )
    assert [*tmp_path.iterdir()] == []


def test_recalibration_needs_training_images():
    with pytest.raises(UserError, match="batch_norm=recalibrated takes statistics from the training images"):
        read_settings(SurfaceScale, SCALE | {"batch_norm": "recalibrated", "splits": ["test"]})


@pytest.mark.parametrize("changes", [{"hessian": 60}, {"normalization": "none"}])
def test_eigenvectors_need_a_hessian_and_no_other_length(changes):
    with pytest.raises(UserError, match="directions=eigenvectors needs a number of images as hessian, and normali"):
        read_settings(SurfaceScale, SCALE | {"directions": "eigenvectors"} | changes)


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ({"first": 1.0, "last": -1.0, "steps": 5}, "alpha: an axis goes upwards, not from 1 to -1"),
        ({"first": -1.0, "last": 1.0, "steps": 4}, "alpha: none of the 4 steps from -1 to 1 is 0"),
        ({"first": -1.0, "last": 1.0, "steps": 1}, "alpha.steps=1"),
    ],
)
def test_an_axis_goes_through_the_network(axis, words):
    with pytest.raises(UserError, match=words):
        read_settings(SurfaceScale, SCALE | {"alpha": axis})


def test_two_networks_do_not_share_their_files():
    with pytest.raises(UserError, match="names the same files as another one"):
        read_settings(SurfaceScale, SCALE | {"networks": 2 * SCALE["networks"]})
