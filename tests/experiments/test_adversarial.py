"""Adversarial images of a run, as a user would make them."""

import json

import numpy as np
import pytest

from experiments import adversarial
from src.studies import output
from tests.conftest import ROOT

NAME = "filter_stack-digits-9718f7eda1"
RUN = f"run={ROOT / 'tests' / 'fixtures' / NAME}"


def start(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["adversarial", *arguments])
    adversarial.main()


def test_accuracy_falls_with_epsilon_and_pictures_are_drawn(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    start(monkeypatch, RUN, f"other={RUN.removeprefix('run=')}", "images=40", "epsilons=[8/255, 0]", "target=3")
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
    assert f"{100 * right[0, 0] / 40:.1f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["epsilons=[0,2]"], "epsilons.1=2.0: should be"),
        (["epsilons=[-0.1]"], "epsilons.0=-0.1: should be"),
        (["epsilons=[8 / x]"], "epsilons=[8 / x]: should be numbers such as [0,0.01,8/255]"),
        (["epsilons=[1/0]"], "epsilons=[1/0]: should be numbers"),
        (["target=30"], "target=30: digits has no such class; did you mean '3'?"),
        (["images=0"], "images=0: should be"),
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


@pytest.mark.parametrize(("arguments", "said"), [([], "run is missing"), (["run=none"], "none does not exist")])
def test_a_run_is_needed(arguments, said, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        start(monkeypatch, *arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
