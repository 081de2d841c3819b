"""What a search proposes, and what it says of trials that fail."""

import csv

import pytest

from src import search as command
from src.config.errors import UserError
from src.tuning.runs import planned
from src.tuning.study import FAILURE, Failed, best, open_study, rows, search


@pytest.fixture(scope="module")
def settings():
    """Eight trials over learning rate and weight decay."""
    return planned(["model=linear", "data.validation=100", "search.trials=8"]).settings


@pytest.mark.heavy
def test_a_search_keeps_to_directories_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = ["model=linear", "data.validation=100", 'search.directory="~/searches"']
    directory = planned(arguments).directory
    assert directory.parent == tmp_path / "searches"
    directory.mkdir(parents=True)
    (directory / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds notes.txt, which is not ours; choose another search.directory"):
        planned(arguments)
    with pytest.raises(UserError, match=r"search.directory is empty"):
        planned([*arguments[:2], "search.directory="])


def proposals(folder, settings, seed):
    study = open_study(settings, "maximize", folder / f"{seed}.log")
    search(study, settings, seed, lambda trial: -sum(trial.params.values()))
    return [tuple(trial.params.values()) for trial in study.trials]


@pytest.mark.heavy
def test_searches_with_neighbouring_seeds_have_nothing_in_common(tmp_path, settings):
    one, next_one = proposals(tmp_path, settings, 0), proposals(tmp_path, settings, 1)
    assert len({*one, *next_one}) == 2 * settings.trials


def test_the_same_seed_proposes_the_same(tmp_path, settings):
    (tmp_path / "again").mkdir()
    assert proposals(tmp_path, settings, 3) == proposals(tmp_path / "again", settings, 3)


def test_a_search_in_which_every_trial_fails_says_why(tmp_path, settings, capsys):
    def objective(trial):
        raise Failed("the loss is not finite")

    study = open_study(settings, "maximize", tmp_path / "journal.log")
    search(study, settings, 0, objective)
    assert best(study) is None
    assert "trial 0 failed: the loss is not finite" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"none of 8 trials came to its end; .*trials.csv says why"):
        command.conclude(study, tmp_path, [])
    with (tmp_path / "trials.csv").open() as file:
        assert {row[FAILURE] for row in csv.DictReader(file)} == {"the loss is not finite"}
    assert len(rows(study)) == 8


def test_a_search_whose_every_trial_would_fail_is_refused():
    with pytest.raises(UserError, match=r"the task needs the target mask; data.name=digits has label"):
        planned(["task=segmentation"])
