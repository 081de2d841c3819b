"""Adversarial images of a run, as a user would make them."""

import json

import numpy as np
import pytest
from PIL import Image

from experiments import adversarial
from src.studies import output
from src.studies.attacked import label
from src.studies.given_network import given
from tests.conftest import ROOT
from tests.experiments.test_made_images import again
from tests.studies.test_given_network import CLASSES, source

__all__ = ["source"]  # weights of a ResNet-8

NAME = "filter_stack-digits-9718f7eda1"
RUN = f"run={ROOT / 'tests' / 'fixtures' / NAME}"


def start(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["adversarial", *arguments])
    adversarial.main()


@pytest.mark.heavy
def test_accuracy_falls_with_epsilon_and_pictures_are_drawn(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    start(monkeypatch, RUN, f"other={RUN.removeprefix('run=')}", "examples=40", "epsilons=[8/255, 0]", "target=3")
    folder = tmp_path / "adversarial"
    assert {path.stem for path in folder.glob("*.png")} == {f"images_{NAME}", f"accuracy_{NAME}"}
    found = json.loads((folder / f"results_{NAME}.json").read_text())["facts"]
    assert found["epsilons"] == [0, 8 / 255]
    right = np.array([[share["number"] for share in shares] for shares in found["right"].values()])
    assert len({*right[:, 0]}) == 1
    assert (right[:, 1] <= right[:, 0]).all()
    assert right[1, 1] < right[1, 0]
    assert {each["after"][0] for each in found["pictured"]} == {"3"}
    assert "3" not in {each["before"][0] for each in found["pictured"]}
    assert all(share["number"] == share["of"] > 0 for share in found["transfer"].values())
    assert found["climbed"]["number"] == found["climbed"]["of"] == len(found["climbed"]["norms"]) > 0
    assert f"{100 * right[0, 0] / 40:.1f}" in capsys.readouterr().out
    with np.load(folder / f"arrays_{NAME}.npz") as arrays:
        figures = adversarial.drawn(found, arrays)
    assert all(again(figure, folder / f"{name}_{NAME}.png", tmp_path) for name, figure in figures.items())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Of two classes, which stand in their names; of another one by their folder."""
    home = tmp_path_factory.mktemp("seen") / "4"
    home.mkdir()
    rng = np.random.default_rng(0)
    for name in ("image_0_7", "image_1_class 2"):
        Image.fromarray(rng.integers(0, 256, (40, 51, 3), np.uint8)).save(home / f"{name}.png")
    (home / "names.txt").write_text("\n".join(CLASSES))
    return home


@pytest.mark.heavy
def test_photographs_of_ones_own(monkeypatch, tmp_path, photographs, source):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    weights, own = source[1], f"images={photographs}"
    names = f"names={photographs / 'names.txt'}"
    start(monkeypatch, f"weights={weights}", f"other={weights}", own, names, "epsilons=[0]")
    found = json.loads((tmp_path / "adversarial" / "results_resnet_depth_8_shortcut_B.json").read_text())["facts"]
    assert (found["images"], found["labels"], found["right"]["FGSM"][0]["number"]) == (2, "answer", 2)


def test_classes_stand_in_names_and_in_folders(photographs, source):
    network = given(source[1])._replace(class_names=tuple(CLASSES))
    files = sorted(photographs.glob("*.png"))
    assert [label(network, file, "name") for file in files] == [7, 2]
    assert [label(network, file, "folder") for file in files] == [4, 4]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["epsilons=[0,2]"], "epsilons.1=2.0: should be"),
        (["epsilons=[-0.1]"], "epsilons.0=-0.1: should be"),
        (["epsilons=[8 / x]"], "epsilons=[8 / x]: should be numbers such as [0,0.01,8/255]"),
        (["epsilons=[1/0]"], "epsilons=[1/0]: should be numbers"),
        (["target=30"], "target=30: the classes of filter_stack-digits-9718f7eda1 are the numbers 0 to 9"),
        (["examples=0"], "examples=0: should be"),
        (["images=200"], "images=200: there is no such file"),
        (["labels=none"], "labels=none: should be"),
        (["image=5"], "image is not a setting; did you mean 'images'?"),
        (["other=none"], "none does not exist"),
        ([RUN], "run is given twice"),
    ],
    ids=str,
)
def test_mistakes_are_one_line(arguments, said, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    with pytest.raises(SystemExit) as stop:
        start(monkeypatch, RUN, *arguments)
    shown = capsys.readouterr().err
    assert stop.value.code == 2
    assert said in shown
    assert shown.count("\n") == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which network? run=PATH, or weights=MODEL@SOURCE"),
        (["run=none"], "none does not exist"),
        (["weights=resnet@file:x"], "weights= has no images of its own; name some: images=FOLDER"),
    ],
)
def test_a_network_is_needed(arguments, said, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        start(monkeypatch, *arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
