"""Images in files: their classes as a table, JSON lines and pictures."""

import json
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from src import predict
from src.runs.directory import RunDirectory
from src.studies.runs import planned
from src.training.fit import load_data
from src.training.run import run


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A trained run, and files of three of its test images, one text, and one in a folder."""
    home = tmp_path_factory.mktemp("predict")
    arguments = ["model=linear", "train.duration=80steps", "tracking.progress=none", "tracking.tensorboard=false"]
    own = planned([*arguments, f"hydra.run.dir={home / 'run'}"])
    run(own.settings, own.config, home / "run")
    test = load_data("digits").test
    (home / "images/deep").mkdir(parents=True)
    for number, place in enumerate(("images", "images", "images/deep")):
        image = Image.fromarray(test.inputs[number, :, :, 0])
        image.resize((64, 96) if number == 1 else (64, 64), Image.Resampling.NEAREST).save(
            home / place / f"{number}.png"
        )
    (home / "images/broken.png").write_text("no image")
    return home


@pytest.fixture
def said(home, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.chdir(home)
        monkeypatch.setattr("sys.argv", ["predict", "run=run", *arguments])
        with suppress(SystemExit):
            predict.main()
        found = capsys.readouterr()
        return found.out, found.err

    return call


def test_every_image_is_named_and_those_that_cannot_be_read_are_counted(said, home):
    out, err = said("input=images", "json=found.jsonl", "pictures=pictures")
    assert err == "left out 1 of 4 files: images/broken.png is damaged or not an image\n"
    rows = [json.loads(line) for line in (home / "found.jsonl").read_text().splitlines()]
    assert [row["file"] for row in rows] == ["images/0.png", "images/1.png", "images/deep/2.png"]
    labels = load_data("digits").test.targets["label"]
    assert [row["classes"][0] for row in rows] == [str(label) for label in labels[:3]]
    for row in rows:
        assert row["probabilities"] == sorted(row["probabilities"], reverse=True)
        assert f"| {row['file']}" in out
        assert f"{row['classes'][0]} {row['probabilities'][0]:.1%}" in out
    assert sorted(path.name for path in (home / "pictures").iterdir()) == ["0000-0.png", "0001-1.png", "0002-2.png"]
    assert np.asarray(Image.open(home / "pictures/0000-0.png")).shape[0] > 100


def test_patterns_and_files_are_taken_once(said):
    out, _ = said("input=images/[01].png", "input=images/1.png", "input=images/**/2.png")
    assert [line.split()[1] for line in out.strip().splitlines()[2:]] == [
        "images/0.png",
        "images/1.png",
        "images/deep/2.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["input=none.png"], "error: input=none.png: there is no such file"),
        (["input=run/checkpoints"], "error: input=run/checkpoints: there are no images in it"),
        (["input=images/broken.png"], "error: images/broken.png is damaged or not an image"),
        ([], "error: input is missing"),
        (["inptu=images"], "did you mean 'input'?"),
        (["run=other", "input=images"], "error: run is given twice"),
        (["input=images", "pictures=run"], "name another folder"),
        (["input=images", "json=images/0.png"], "json=images/0.png is there already; name another file"),
        (["input=images", "json=none/found.jsonl"], "json=none/found.jsonl: there is no folder none"),
        (["input=images", "step=7"], "has no checkpoint of this step; nearest: 80"),
    ],
)
def test_what_cannot_be_predicted_is_one_line_and_makes_nothing(said, home, arguments, expected):
    before = sorted(home.rglob("*"))
    out, err = said(*arguments)
    assert (out, len(err.splitlines())) == ("", 1)
    assert expected in err
    assert sorted(home.rglob("*")) == before


def test_runs_that_name_no_classes_of_images_are_refused(tmp_path):
    own = planned(["+experiment=segmentation_shapes", "data.train=60", "data.validation=10", "data.test=8",
                   "data.batch_size=8", "train.duration=2steps", "model.filters=4", "tracking.progress=none",
                   f"hydra.run.dir={tmp_path / 'shapes'}"])  # fmt: skip
    run(own.settings, own.config, tmp_path / "shapes")
    assert RunDirectory(tmp_path / "shapes").finished()
    with pytest.raises(predict.UserError, match="names no classes of images"):
        predict.check_run(predict.load_run(tmp_path / "shapes"))
