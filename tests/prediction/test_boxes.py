"""Objects in image files: their boxes in pixels of the file, as a table, JSON lines and pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from src import predict
from src.prediction import boxes
from src.prediction.boxes import BoxPrediction, FoundObject, annotated
from src.studies.runs import planned
from src.training.run import run


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run of a few steps, and files of images in two sizes."""
    home = tmp_path_factory.mktemp("boxes")
    own = planned(["+experiment=detection_shapes", "data.image_size=32", "task.grid=4", "data.train=64",
                   "data.validation=0", "data.test=16", "data.batch_size=32", "model.filters=4", "model.at_grid=1",
                   "task.sure=0.02", "train.duration=10steps", "tracking.progress=none", "tracking.tensorboard=false",
                   f"hydra.run.dir={home / 'run'}"])  # fmt: skip
    run(own.settings, own.config, home / "run")
    rng = np.random.default_rng(0)
    (home / "images").mkdir()
    for number, (height, width) in enumerate(((32, 32), (60, 120))):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(home / f"images/{number}.png")
    return home


@pytest.mark.heavy
def test_every_object_has_its_box_in_the_file(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["predict", "run=run", "input=images", "json=found.jsonl", "pictures=pictures"])
    predict.main()
    out = capsys.readouterr().out
    rows = [json.loads(line) for line in (home / "found.jsonl").read_text().splitlines()]
    assert [(row["height"], row["width"]) for row in rows] == [(32, 32), (60, 120)]
    assert "Objects of a score above 0.02; of boxes of a class that overlap by more than 0.5, the surest." in out
    loaded = predict.load_run(home / "run")
    with Image.open(home / "images/1.png") as file:
        pixels = np.asarray(file.resize((32, 32), Image.Resampling.BICUBIC))
    found = loaded.predict(pixels[None])
    scores = found.score[0][found.score[0] > 0.02]
    assert len(scores)
    listed = rows[1]["objects"]
    np.testing.assert_allclose([each["score"] for each in listed], scores, rtol=1e-6)
    sides = [[each[side] for side in ("top", "left", "bottom", "right")] for each in listed]
    np.testing.assert_allclose(sides, found.box[0, : len(scores)] * [60, 120, 60, 120], atol=0.006)
    assert {each["class"] for each in listed} <= {"background", "circle", "square", "triangle"}
    with Image.open(home / "pictures/0000-0.png") as drawn:
        assert drawn.size == (448, 448)


def test_boxes_are_drawn_where_they_are():
    image = Image.new("RGB", (600, 500), "white")
    own = BoxPrediction("a.png", image, [FoundObject("cat", 0.9, (100.0, 50.0, 300.0, 250.0))], ("dog", "cat"))
    changed = np.argwhere((np.asarray(annotated(own)) != 255).any(-1))
    assert changed.min(0).tolist() == [100 - boxes.LINE, 49]  # with the name above, and a dark line around
    assert changed.max(0).tolist() == [300, 250]
    assert own.cells() == ("a.png", "1 cat", "cat 0.90")
    assert BoxPrediction("b.png", image, [], ("dog",)).cells() == ("b.png", "nothing", "–")
