"""Committed results change only by the command that is written in them."""

import json
import shlex
import sys

import pytest
from matplotlib.figure import Figure

from src.config.errors import UserError
from src.studies.output import arguments, no_arguments
from src.studies.results import write_results

MODULE = ("-m", "experiments.study")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the results of a study as a command line would, and gives the folder."""
    monkeypatch.chdir(tmp_path)

    def written(*words, python="python"):
        monkeypatch.setattr(sys, "argv", ["study.py", *words])
        monkeypatch.setattr(sys, "orig_argv", [python, *MODULE, *words])
        monkeypatch.setattr(sys, "executable", f"/usr/bin/{python}")
        return str(write_results("study/digits", {"words": words}, figures={"picture": Figure()}))

    return written


@pytest.fixture
def committed(tmp_path):
    """Results in the repository, made by a command with a setting."""
    file = tmp_path / "results/study/digits/results.json"
    file.parent.mkdir(parents=True)
    command = shlex.join(["python", *MODULE, "scale=digits"])
    file.write_text(json.dumps({"made_with": {"command": command}, "facts": 1}))
    return file


def test_the_command_that_is_written_makes_them_anew(write, committed):
    assert write("scale=digits", python="python3.12") == "results/study/digits"
    assert json.loads(committed.read_text())["facts"] == {"words": ["scale=digits"]}


@pytest.mark.parametrize("words", [(), ("scale=full",), ("scale=digits", "scales.digits.seeds=[1]")])
def test_everything_else_goes_to_the_users_own(words, write, committed):
    before = committed.read_bytes()
    assert write(*words) == "runs/figures/study/digits"
    assert committed.read_bytes() == before
    assert [path.name for path in committed.parent.iterdir()] == ["results.json"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"made_with": 1}', "", "{", '{"made_with": {"command": "\'"}}'])
def test_results_that_name_no_command_are_left_alone(text, write, committed):
    committed.write_text(text)
    assert write() == "runs/figures/study/digits"
    assert committed.read_text() == text


def test_output_says_where(write, committed, tmp_path, monkeypatch):
    before = committed.read_bytes()
    assert write("scale=digits", "output=mine") == "mine/study/digits"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert write("output=~/mine") == f"{tmp_path}/home/mine/study/digits"
    assert committed.read_bytes() == before
    assert write("output=results") == "results/study/digits"


def test_output_is_no_setting_of_a_study(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["study.py", "scale=full", "output=mine"])
    assert arguments() == ["scale=full"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["output="], "output= is empty; it names the folder to write to"),
        (["output=a", "output=b"], "output=b: there is one output already, a"),
        (["output=a", "outptu=b"], "outptu=b: this command has no settings but output=FOLDER"),
    ],
)
def test_mistakes_are_one_line(words, said, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["study.py", *words])
    with pytest.raises(UserError) as error:
        no_arguments()
    assert str(error.value) == said
