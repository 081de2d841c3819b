"""A measurement is made once, and what it is of is asked for by all that defines it."""

import pytest

from src.config.errors import UserError
from src.studies.kept import HOME, kept


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_is_made_once_and_found_again_as_it_was():
    made = []

    def measure():
        made.append(1)
        return {"errors": [(1, 0.1), (2, 1 / 3)], "largest": float("inf")}

    first, again = (kept({"run": "a", "draws": 3}, measure) for _ in range(2))
    assert first == again == {"errors": [[1, 0.1], [2, 1 / 3]], "largest": float("inf")}
    assert len(made) == 1


def test_another_one_is_another():
    assert [kept({"run": run}, lambda run=run: run) for run in ("a", "b", "a")] == ["a", "b", "a"]


def test_one_that_was_interrupted_leaves_nothing():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept({"run": "a"}, interrupted)
    assert kept({"run": "a"}, lambda: 1) == 1


def test_a_damaged_file_is_named():
    kept({"run": "a"}, lambda: 1)
    (file,) = HOME.iterdir()
    file.write_text("{")
    with pytest.raises(UserError, match="is damaged; remove it to measure anew"):
        kept({"run": "a"}, lambda: 1)
