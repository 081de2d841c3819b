"""A measurement is made once, is asked for by all that defines it, and says where it came from."""

import json

import pytest

from src.config.errors import UserError
from src.runs.identity import short_hash
from src.runs.provenance import UNKNOWN
from src.runs.versions import version
from src.studies.cached import HOME, cached


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def at(monkeypatch):
    """Makes the code that of another commit."""

    def change(commit, *, dirty=False):
        monkeypatch.setattr("src.runs.provenance.commit", lambda: commit)
        monkeypatch.setattr("src.runs.provenance.dirty", lambda: dirty)

    return change


class Measured:
    """Code that measures and counts how often."""

    def __init__(self):
        self.times = 0

        @version(1)
        def errors():
            self.times += 1
            return self.times

        self.errors = errors

    def __call__(self):
        return cached({"run": "a"}, [self.errors], self.errors)


def test_it_is_made_once_and_found_again_as_it_was():
    made = []

    def measure():
        made.append(1)
        return {"errors": [(1, 0.1), (2, 1 / 3)], "largest": float("inf")}

    first, again = (cached({"run": "a", "draws": 3}, [], measure).value for _ in range(2))
    assert first == again == {"errors": [[1, 0.1], [2, 1 / 3]], "largest": float("inf")}
    assert len(made) == 1


def test_another_one_is_another():
    assert [cached({"run": run}, [], lambda run=run: run).value for run in ("a", "b", "a")] == ["a", "b", "a"]


def test_another_version_measures_again_and_the_first_one_stays():
    measured = Measured()
    assert [measured().value, measured().value] == [1, 1]
    measured.errors.version = 2
    assert [measured().value, measured().value] == [2, 2]
    assert measured().versions == {"version of errors": 2}
    measured.errors.version = 1
    assert (measured().value, measured.times) == (1, 2)
    assert len(list(HOME.iterdir())) == 2


def test_its_provenance_is_that_of_its_measuring(at):
    measured = Measured()
    at("earlier", dirty=True)
    before = measured().measured_by
    assert before.startswith("earlier with changes, ")
    at("later")
    assert measured().measured_by == before
    measured.errors.version = 2
    assert measured().measured_by.startswith("later, ")


def test_its_file_says_all_that_is_known_of_it(at):
    at("earlier")
    measured = Measured()
    measured()
    (file,) = HOME.iterdir()
    record = json.loads(file.read_text())
    assert record["identity"] == {"run": "a"}
    provenance = record["provenance"]
    assert (provenance["commit"], provenance["dirty"], provenance["versions"]) == ("earlier", False, {"errors": 1})
    assert {"started", "device", "threads", "packages"} <= provenance.keys()


def test_one_from_before_there_were_provenances_is_of_unknown_code(at):
    at("later")
    file = HOME / f"{short_hash({'run': 'a'})}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"identity": {"run": "a"}, "found": 7}))
    before = file.read_bytes()
    measured = Measured()
    assert (measured().value, measured().measured_by, measured.times) == (7, UNKNOWN, 0)
    measured.errors.version = 2
    assert measured().measured_by.startswith("later, ")
    assert file.read_bytes() == before


def test_code_that_measures_declares_its_version():
    with pytest.raises(AttributeError, match="version"):
        cached({"run": "a"}, [len], lambda: 1)


def test_one_that_was_interrupted_leaves_nothing():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached({"run": "a"}, [], interrupted)
    assert cached({"run": "a"}, [], lambda: 1).value == 1


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"found": 1, "provenance": 3}', '{"found": 1, "provenance": {}}'])
def test_a_damaged_file_is_named(content):
    cached({"run": "a"}, [], lambda: 1)
    (file,) = HOME.iterdir()
    file.write_text(content)
    with pytest.raises(UserError, match="is damaged; remove it to measure anew"):
        cached({"run": "a"}, [], lambda: 1)
