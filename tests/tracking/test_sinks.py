"""Where measurements go: real files, read back by their own readers."""

import csv
import json
import logging

import numpy as np
import pytest
import wandb
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from src.config.errors import UserError
from src.tracking.grid import grid
from src.tracking.history import History, read_rows
from src.tracking.settings import WandbSettings
from src.tracking.sinks import Sink, Sinks
from src.tracking.tensorboard import TensorBoard
from src.tracking.weights_and_biases import WeightsAndBiases, recorded_steps, records


def rows(first, last):
    """A training measurement every two steps, and a validation one every four."""
    for step in range(first, last + 1, 2):
        yield {"step": step, "epoch": step / 10, "seconds": step * 1.5, "train_loss": 1 / step, "learning_rate": 0.1}
        if step % 4 == 0:
            yield {"step": step, "epoch": step / 10, "seconds": step * 1.5, "validation_accuracy": step / 100}


def history(tmp_path, step):
    return History(tmp_path / "metrics.jsonl", tmp_path / "metrics.csv", step)


def test_a_history_goes_on_after_the_checkpoint_and_forgets_what_was_beyond(tmp_path):
    first = history(tmp_path, -1)
    for row in rows(2, 12):
        first.write(row)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 14, "tra')  # the process died here
    first.close()
    second = history(tmp_path, 8)
    assert second.rows == list(rows(2, 8))
    for row in rows(10, 16):
        second.write(row)
    second.close()
    assert [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == list(rows(2, 16))
    with (tmp_path / "metrics.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [float(row["train_loss"]) for row in table if row["train_loss"]] == [1 / step for step in range(2, 17, 2)]
    anew = history(tmp_path, -1)
    anew.close()
    assert anew.rows == []


def read_events(path):
    reader = EventAccumulator(str(path), size_guidance={"scalars": 0, "images": 0})
    reader.Reload()
    return reader


@pytest.mark.parametrize("line", ["no JSON", "1", '{"loss": 1}'])
def test_a_history_that_is_none_is_named(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UserError, match=r"line 1 of .*metrics\.jsonl is damaged; mend or remove it"):
        read_rows(path)


def test_tensorboard_shows_one_history_after_an_interruption(tmp_path):
    first = TensorBoard(tmp_path / "tensorboard", [], 1000.0)
    first.picture("first_batch", grid(np.random.default_rng(0).random((5, 4, 4, 1))))
    for row in rows(2, 12):
        first.write(row)
    first.close()
    second = TensorBoard(tmp_path / "tensorboard", list(rows(2, 8)), 1000.0)
    for row in rows(10, 16):
        second.write(row)
    second.close()
    reader = read_events(tmp_path / "tensorboard")
    assert set(reader.Tags()["scalars"]) == {"train/loss", "validation/accuracy", "learning_rate"}
    losses = reader.Scalars("train/loss")
    assert [event.step for event in losses] == list(range(2, 17, 2))
    assert [event.value for event in losses] == pytest.approx([1 / step for step in range(2, 17, 2)])
    assert [event.wall_time for event in losses] == [1000 + step * 1.5 for step in range(2, 17, 2)]
    assert [event.step for event in reader.Scalars("validation/accuracy")] == [4, 8, 12, 16]


def test_tensorboard_keeps_the_picture(tmp_path):
    pixels = grid(np.random.default_rng(0).random((5, 4, 4, 3)))
    sink = TensorBoard(tmp_path, [], 0.0)
    sink.picture("first_batch", pixels)
    sink.close()
    (image,) = read_events(tmp_path).Images("first_batch")
    assert (image.height, image.width) == pixels.shape[:2]


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """Nobody is logged in."""
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return WandbSettings(project="tests", entity=None)


def segment(offline, tmp_path, past):
    return WeightsAndBiases(offline, tmp_path, "abc", {"model": {"depth": 8}}, past)


def sent(tmp_path):
    """All history rows of all segments, in the order in which they would be uploaded."""
    found = []
    for path in sorted(tmp_path.glob("wandb/offline-run-*/*.wandb")):
        for record in records(path):
            if record.HasField("history"):
                found.append({".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item})
    return found


def test_segments_of_an_offline_run_together_have_each_step_once(tmp_path, offline):
    first = segment(offline, tmp_path, [])
    first.picture("first_batch", grid(np.random.default_rng(0).random((5, 4, 4, 1))))
    for row in rows(2, 12):
        first.write(row)
        first.on_checkpoint(8 if row["step"] > 9 else 0)
    first.close()  # the process is interrupted; steps 10 and 12 were never covered
    assert sorted(recorded_steps(tmp_path, "abc")) == [0, 2, 4, 6, 8]

    second = segment(offline, tmp_path, list(rows(2, 10)))  # the checkpoint of step 10 was on disk, its rows not sent
    for row in rows(12, 16):
        second.write(row)
    second.on_checkpoint(16)
    second.finish({"test_accuracy": 0.5, "test_confusion": [[1]]})
    second.close()
    assert sorted(recorded_steps(tmp_path, "abc")) == [0, *range(2, 17, 2)]
    found = {row["_step"]: row for row in sent(tmp_path)}
    assert [found[step]["train_loss"] for step in range(2, 17, 2)] == [1 / step for step in range(2, 17, 2)]
    assert [found[step]["validation_accuracy"] for step in (4, 8, 12, 16)] == [0.04, 0.08, 0.12, 0.16]
    assert found[0]["first_batch._type"] == "image-file"
    (picture,) = tmp_path.glob("wandb/offline-run-*/files/" + found[0]["first_batch.path"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    last = list(records(max(tmp_path.glob("wandb/offline-run-*/*.wandb"))))
    config = {item.key: json.loads(item.value_json) for record in last for item in record.run.config.update}
    assert config["model"] == {"depth": 8}
    summary = {item.key: item.value_json for record in last for item in record.summary.update}
    assert summary["test_accuracy"] == "0.5"


def test_a_sink_that_fails_warns_once_and_the_others_go_on(caplog):
    class Broken(Sink):
        def write(self, row):
            raise OSError("disk full")

    def unavailable():
        raise wandb.Error("no such project")

    class Kept(Sink):
        def __init__(self):
            self.rows = []

        def write(self, row):
            self.rows.append(row)

    kept = Kept()
    with caplog.at_level(logging.WARNING):
        sinks = Sinks({"broken": Broken, "away": unavailable, "kept": lambda: kept})
        for row in rows(2, 6):
            sinks.write(row)
        sinks.close()
    assert [record.getMessage() for record in caplog.records] == [
        "away failed and is left out from here on: no such project",
        "broken failed and is left out from here on: disk full",
    ]
    assert kept.rows == list(rows(2, 6))


def test_a_grid_shows_every_image_in_its_place():
    images = np.arange(10.0).reshape(10, 1, 1, 1) * np.ones((1, 2, 2, 1))
    picture = grid(images, columns=4, scale=1)
    assert picture.shape == (9, 12, 3)
    assert picture[0, 0, 0] == 0
    assert picture[6, 3, 0] == 255  # the tenth: third row, second column
    assert picture[2].max() == 0  # a line between rows


@pytest.mark.parametrize("side", [1, 8, 32, 100, 300])
def test_a_grid_is_large_enough_to_be_looked_at(side):
    height, width, _ = grid(np.zeros((3, side, side, 1)), columns=3).shape
    assert 112 <= height - 1 < max(224, side + 1)
    assert width == 3 * height


def test_a_grid_says_what_each_image_shows():
    images = np.arange(4.0)[:, None, None, None] * np.ones((1, 28, 28, 1))
    titles = ["cat", "dog", "a name that is much too long for its place", "two\nlines"]
    plain, titled = grid(images, columns=2), grid(images, titles, columns=2)
    assert titled.shape[0] - plain.shape[0] == 2 * 16
    below = [titled[place : place + 16, left : left + 112] for place in (112, 241) for left in (0, 113)]
    widths = [np.ptp(np.flatnonzero(text.max(axis=(0, 2)))) for text in below]
    assert 0 < widths[0] < widths[3] < widths[2] <= 112
    assert not np.array_equal(below[0], below[1])
    np.testing.assert_array_equal(titled[:112], plain[:112])


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_a_grid_shows_the_mean_of_channels_that_are_no_colours(channels):
    images = np.zeros((2, 3, 3, channels))
    images[1] = 1
    picture = grid(images, columns=2, scale=1)
    assert picture.shape == (4, 8, 3)
    assert [picture[0, place].tolist() for place in (0, 4)] == [[0, 0, 0], [255, 255, 255]]


def test_a_picture_that_comes_after_the_history_is_still_sent_before_it(tmp_path, offline):
    sink = segment(offline, tmp_path, list(rows(2, 6)))  # the first process died before anything was sent
    sink.picture("first_batch", grid(np.zeros((1, 4, 4, 1))))
    sink.on_checkpoint(6)
    sink.close()
    assert sorted(recorded_steps(tmp_path, "abc")) == [0, 2, 4, 6]
