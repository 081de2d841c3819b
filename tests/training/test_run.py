"""What a run makes of a directory that is not empty."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.config.errors import UserError
from src.config.settings import defining_values
from src.runs.directory import RunDirectory
from src.runs.identity import short_hash
from src.tasks.metrics import Metric, mean
from src.tracking import history
from src.training.engine import Engine
from src.training.from_hydra import compose_runs, run_config, run_settings
from src.training.run import record_start, report, run
from tests.conftest import forget_data

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = {"test_accuracy": 0.5, "test_accuracy_interval": [0.4, 0.6], "steps": 2}


def picture(path, grey):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), grey, np.uint8)).save(path)


def test_results_on_other_images_are_not_taken_for_those_on_these(tmp_path, compose):
    for number in range(4):
        picture(tmp_path / "images" / "dark" / f"{number}.png", number)
        picture(tmp_path / "images" / "bright" / f"{number}.png", 200 + number)
    settings = compose("data=folder", f"data.root={tmp_path / 'images'}", "data.image_size=8", "data.batch_size=4")
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    record_start(directory, settings, {}, 0, Engine(settings))
    directory.write_results(RESULTS)
    forget_data()
    assert run(settings, {}, directory.path) == RESULTS
    (tmp_path / "images" / "dark" / "3.png").rename(tmp_path / "images" / "bright" / "relabelled.png")
    forget_data()
    with pytest.raises(UserError, match=rf"{directory.path} holds a run on other examples .* fresh=true"):
        run(settings, {}, directory.path)


def test_a_run_by_a_rule_that_changed_since_is_not_taken_for_one_by_the_present_rule(tmp_path):
    (job,) = compose_runs("train", ["schedule.warmup={duration: 10%, factor: 0.1, shape: linear}"])
    settings, directory = run_settings(job), RunDirectory(tmp_path)
    directory.write_start(run_config(job), {"identity": short_hash(defining_values(settings)), "commit": None}, "", {})
    with pytest.raises(
        UserError, match=r"holds another run: the same settings, but a rule .* has changed since; choose"
    ):
        run(settings, {}, directory.path)


def test_a_checksum_among_the_settings_is_not_computed_again(compose):
    assert compose("data=cifar10").data.pinned
    assert not compose("data=cifar10", "data.sha256=null").data.pinned


@pytest.mark.heavy
def test_a_history_that_cannot_be_written_ends_the_run_in_one_line(tmp_path, monkeypatch):
    def full(row):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(history, "_line", full)
    (job,) = compose_runs("train", ["model=dense", "train.duration=3steps", "train.log_every=1step"])
    with pytest.raises(UserError, match=r"cannot write .*metrics.jsonl: No space left on device$"):
        run(run_settings(job), run_config(job), tmp_path / "run")
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_run_is_reported_by_the_metric_that_decides(tmp_path, caplog):
    distance = Metric("mean_distance", lambda outputs, batch: {}, mean("distance"), "minimize", "m")
    results = {"test_loss": 0.25, "test_mean_distance": 3.21, "test_curve": [1, 2], "parameters": 7, "steps": 2}
    with caplog.at_level(logging.INFO, logger="src.training.run"):
        report(RunDirectory(tmp_path), results, "finished", distance)
    assert caplog.messages == [f"finished: test mean distance 3.21 after 2 steps; {tmp_path}"]


@pytest.mark.heavy
def test_what_the_page_shows_of_a_run_in_python_is_its_score(tmp_path):
    arguments = ["model=dense", "train.duration=2steps", "tracking.progress=none"]
    (job,) = compose_runs("train", arguments)
    results = run(run_settings(job), run_config(job), tmp_path / "run")
    (code,) = re.findall(r"```python\n(.*?load_run.*?)```", (DOCS / "runs.md").read_text(), re.DOTALL)
    *lines, features = code.replace("runs/resnet-digits-0123456789", str(tmp_path / "run")).strip().splitlines()
    exec("\n".join(lines), found := {})
    loaded, images = found["run"], found["images"]
    assert loaded.predict(images).shape == (100, 10)
    assert loaded.evaluate("test")["accuracy"] == results["test_accuracy"]
    assert "run.features(images, " in features  # of a network that has this layer
