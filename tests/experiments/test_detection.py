"""The study of a detector: its numbers are those of the run, and its pictures show what was matched."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import detection
from src.config.errors import UserError
from src.detection.matching import Truth
from src.detection.suppression import Detections
from src.plots.detections import FALSE, MISSED, RIGHT
from src.studies import output

SMALL = ("data.image_size=32", "task.grid=4", "data.train=96", "data.validation=32", "data.test=24", "model.filters=4",
         "model.at_grid=1", "data.batch_size=32", "train.duration=8steps", "tracking.tensorboard=false",
         "task.sure=0.02")  # fmt: skip


@pytest.mark.heavy
def test_what_is_drawn_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["detection", *SMALL])
    detection.main()
    found = json.loads((tmp_path / "detection/results.json").read_text())["facts"]
    (run,) = (tmp_path / "runs").iterdir()
    measured = json.loads((run / "results.json").read_text())
    assert found["mean_ap"] == pytest.approx(measured["test_mean_ap"], abs=1e-6)
    assert found["confusion"] == measured["test_confusion"]
    assert list(found["classes"]) == ["circle", "square", "triangle"]
    assert "thresholds: match 0.5, suppression 0.5, least_score 0.01, sure 0.02" in capsys.readouterr().out
    pictures = {path.stem for path in (tmp_path / "detection").glob("*.png")}
    assert pictures == {"precision_recall", "confusion", "found", "largest_losses"}


def test_runs_of_other_tasks_are_refused(compose):
    with pytest.raises(UserError, match=r"runs/mine finds no objects; these figures need task=detection"):
        detection.check_detection(compose("model=linear"), Path("runs/mine"))


def test_marks_are_right_false_and_missed():
    run = SimpleNamespace(engine=SimpleNamespace(spec=SimpleNamespace(class_names=("cat", "dog"), shape=(10, 20, 3))))
    box = np.array([[[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1], [0, 0, 1, 1]]])
    label, present = np.array([[0, 1, 1]]), np.array([[True, True, True]])
    truth = Truth(box, label, present, np.array([[False, False, True]]))
    found = Detections(box[:, [0, 2, 1]], np.array([[0, 0, 1]]), np.array([[0.9, 0.8, 0.0]]))
    own = detection.Tested({}, found, truth, np.array([[0, -1, -3]]))
    marks = detection.marks(run, own, 0)
    assert [(mark.text, mark.color) for mark in marks] == [("cat 0.90", RIGHT), ("cat 0.80", FALSE), ("dog", MISSED)]
    assert marks[0].box == [0, 0, 5, 10]
    assert marks[2].box == [5, 10, 10, 20]
