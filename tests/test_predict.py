"""Images in files: their classes as a table, JSON lines and pictures."""

import json
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from src import predict
from src.prediction.localised import in_file
from src.studies.runs import planned
from src.tasks.classification import Classification
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
    def call(*arguments, run="run"):
        monkeypatch.chdir(home)
        monkeypatch.setattr("sys.argv", ["predict", f"run={run}", *arguments])
        with suppress(SystemExit):
            predict.main()
        found = capsys.readouterr()
        return found.out, found.err

    return call


@pytest.mark.heavy
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


@pytest.mark.heavy
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


def trained(home, *arguments):
    own = planned([*arguments, "data.train=60", "data.validation=10", "data.test=8", "data.batch_size=8",
                   "train.duration=2steps", "tracking.progress=none", "tracking.tensorboard=false",
                   f"hydra.run.dir={home / 'run'}"])  # fmt: skip
    run(own.settings, own.config, home / "run")
    rng = np.random.default_rng(0)
    for name, shape in (("wide", (30, 60, 3)), ("high", (64, 32))):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(home / f"{name}.png")


@pytest.mark.heavy
def test_pixels_are_classed_and_pictures_are_in_their_colours(tmp_path, said):
    trained(tmp_path, "+experiment=segmentation_shapes", "model.filters=4", "data.image_size=16", "data.width=24")
    out, err = said(f"input={tmp_path}/wide.png", f"input={tmp_path}/high.png", f"json={tmp_path}/found.jsonl",
                    f"pictures={tmp_path}/pictures", run=tmp_path / "run")  # fmt: skip
    assert err == ""
    for row in map(json.loads, (tmp_path / "found.jsonl").read_text().splitlines()):
        assert sum(row["shares"].values()) == pytest.approx(1)
        assert list(row["shares"].values()) == sorted(row["shares"].values(), reverse=True)
        name, share = next(iter(row["shares"].items()))
        assert f"{name} {share:.1%}" in out
    picture = np.asarray(Image.open(tmp_path / "pictures/0000-wide.png"))
    assert picture.shape[1] >= 320
    assert picture.shape[0] > 16 / 24 * picture.shape[1]


@pytest.mark.heavy
def test_the_box_of_an_object_is_in_pixels_of_its_file(tmp_path, said):
    trained(tmp_path, "+experiment=localisation_shapes", "data.image_size=24", "model.body.filters=[4,4,4,4,4]",
            "model.hidden=8")  # fmt: skip
    out, err = said(f"input={tmp_path}/wide.png", f"json={tmp_path}/found.jsonl", f"pictures={tmp_path}/pictures",
                    run=tmp_path / "run")  # fmt: skip
    assert err == ""
    (row,) = map(json.loads, (tmp_path / "found.jsonl").read_text().splitlines())
    top, left, *_ = row["box"]
    assert 0 <= top <= 30
    assert 15 <= left <= 45  # the network sees the square in the middle
    assert ", ".join(map(str, row["box"])) in out
    assert row["classes"][0] in ("background", "circle", "square", "triangle")
    assert np.asarray(Image.open(tmp_path / "pictures/0000-wide.png")).shape == (336 + 24, 336, 3)


def test_a_box_in_shares_of_what_is_seen_is_found_in_the_file(tmp_path):
    Image.new("RGB", (60, 30)).save(tmp_path / "wide.png")
    whole, quarter = np.array([0.0, 0, 1, 1]), np.array([0.0, 0, 0.5, 0.5])
    assert in_file(tmp_path / "wide.png", (24, 24), whole) == (0, 15, 30, 45)
    assert in_file(tmp_path / "wide.png", (24, 24), quarter) == (0, 15, 15, 30)
    assert in_file(tmp_path / "wide.png", (10, 40), whole) == (8, 0, 22, 60)


def test_runs_whose_task_says_nothing_of_files_are_refused():
    spec = SimpleNamespace(shape={"a": (8, 8, 3), "b": (8, 8, 3)})
    engine = SimpleNamespace(spec=spec, settings=SimpleNamespace(task=Classification()))
    loaded = object.__new__(predict.LoadedRun)
    vars(loaded).update(engine=engine, directory=SimpleNamespace(path="run"))
    with pytest.raises(predict.UserError, match="names no classes of images"):
        predict.check_run(loaded)
