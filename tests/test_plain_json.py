"""JSON that every program reads, wherever the project writes some."""

import ast
import json
import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from src.landscape.grid_evaluation import evaluate_points
from src.landscape.surface import Surface, load, save
from src.plain_json import dumps, numbers
from src.runs.directory import RunDirectory
from src.studies import cached
from src.studies.results import write_results
from src.tracking.history import History, read_rows
from tests.conftest import ROOT

UNLIKE = {"a": math.nan, "b": [math.inf, (-math.inf, 1.5)], "c": {"d": np.float64("nan"), "e": None, "f": 3}}


def strict(text):
    """Reads it as programs do that know nothing but RFC 8259."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_what_is_not_finite_is_a_string():
    assert strict(dumps(UNLIKE)) == {
        "a": "NaN",
        "b": ["Infinity", ["-Infinity", 1.5]],
        "c": {"d": "NaN", "e": None, "f": 3},
    }


def test_what_is_finite_is_written_as_ever():
    values = {"b": [1, 2.5, None, True, "NaN"], "a": {"x": (1e-300, -0.0)}}
    assert dumps(values) == json.dumps(values)
    assert dumps(values, indent=2, sort_keys=True) == json.dumps(values, indent=2, sort_keys=True)


@pytest.mark.parametrize("written", [dumps(UNLIKE), json.dumps(UNLIKE)], ids=["now", "before"])
def test_numbers_come_back(written):
    found = numbers(json.loads(written))
    assert math.isnan(found["a"])
    assert math.isnan(found["c"]["d"])
    assert found["b"] == [math.inf, [-math.inf, 1.5]]


def test_nothing_else_writes_json():
    writers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("src", "experiments", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in ("dump", "dumps", "JSONEncoder"))
        or (isinstance(node, ast.ImportFrom) and node.module == "json")
    ]
    assert [writer for writer in writers if not writer.startswith("src/plain_json.py")] == []


def test_committed_results_are_json():
    files = [*ROOT.glob("results/**/*.json")]
    assert files
    for file in files:
        strict(file.read_text())


def test_history(tmp_path):
    lines, table = tmp_path / "metrics.jsonl", tmp_path / "metrics.csv"
    lines.write_text('{"step": 1, "train_loss": NaN, "seconds": 1.0}\n')  # as it was written before
    history = History(lines, table, 1)
    history.write({"step": 2, "train_loss": math.inf, "seconds": 2.0})
    history.close()
    assert [strict(line)["train_loss"] for line in lines.read_text().splitlines()] == ["NaN", "Infinity"]
    first, second = read_rows(lines)
    assert math.isnan(first["train_loss"])
    assert second == {"step": 2, "train_loss": math.inf, "seconds": 2.0}


def test_results_of_a_run(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.write_results({"test_loss": math.nan, "test_accuracy": 0.5})
    strict((tmp_path / "results.json").read_text())
    assert math.isnan(directory.read_json("results.json")["test_loss"])


def test_results_of_a_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = write_results("study", {"ratio": math.nan}, figures={"picture": Figure()})
    assert strict((home / "results.json").read_text())["facts"] == {"ratio": "NaN"}


def test_points_of_a_surface(tmp_path):
    file, about = tmp_path / "points.jsonl", {"network": "mine"}
    values = [math.nan, math.inf, 1.0]

    def measure(places):
        return [{"train_loss": values[int(place[0])]} for place in places]

    places = np.array([[0.0], [1.0], [2.0]], np.float32)
    first = evaluate_points(measure, places, about=about, points=file)
    for line in file.read_text().splitlines():
        strict(line)
    written = file.read_bytes()
    again = evaluate_points(lambda places: pytest.fail("measured again"), places, about=about, points=file)
    assert file.read_bytes() == written
    assert np.array_equal(*([row["train_loss"] for row in found.rows] for found in (first, again)), equal_nan=True)
    file.write_text(written.decode().replace('"NaN"', "NaN").replace('"Infinity"', "Infinity"))  # of before
    before = evaluate_points(measure, places, about=about, points=file)
    assert np.array_equal([row["train_loss"] for row in before.rows], values, equal_nan=True)


def test_metadata_of_a_surface(tmp_path):
    steps = np.array([0.0, 1.0])
    save(Surface("mine", steps, None, {"train_loss": steps}, {"eigenvalues": [math.inf, 1.0]}), tmp_path / "mine.npz")
    with np.load(tmp_path / "mine.npz") as arrays:
        assert strict(str(arrays["about"]))["metadata"] == {"eigenvalues": ["Infinity", 1.0]}
    assert load(tmp_path / "mine.npz").metadata == {"eigenvalues": [math.inf, 1.0]}


def test_cached_measurements(tmp_path, monkeypatch):
    monkeypatch.setattr(cached, "HOME", tmp_path)
    for _ in range(2):
        assert cached.cached({"of": "mine"}, [], lambda: {"largest": math.inf}).value == {"largest": math.inf}
    (file,) = Path(tmp_path).iterdir()
    strict(file.read_text())
