"""The study of a search, with real runs of seconds."""

import json

import pytest

from experiments.search import SearchScale, report
from src.studies.settings import StudySettings, read_study
from src.tuning.runs import planned

TINY = [
    "model=linear",
    "train.duration=40steps",
    "data.validation=100",
    "debug.examples=200",
    "tracking.tensorboard=false",
]


@pytest.mark.slow
def test_a_search_is_compared_with_its_recipe_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def facts(trials):
        report("tiny", SearchScale(common=TINY, search_seed=0, seeds=[1, 2], trials=trials))
        return json.loads((tmp_path / "runs/figures/tiny/results.json").read_text())["facts"]

    first, more = facts(2), facts(3)
    assert [trial["settings"] for trial in more["trials"][:2]] == [trial["settings"] for trial in first["trials"]]
    assert sum(more["states"].values()) == 3
    best = max(trial["score"] for trial in more["trials"])
    assert more["arms"]["best trial"]["validation_accuracy"] == pytest.approx(100 * best)
    assert more["arms"]["recipe"]["settings"] == {"optimizer.learning_rate": 0.1, "optimizer.weight_decay": 0.0001}
    assert more["gain"]["n"] == 2
    assert "3 trials: 3 complete, 0 pruned, 0 failed" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "runs/figures/tiny").glob("*.png")} == {"coordinates.png", "history.png"}


def test_what_was_chosen_for_its_luck_is_not_scored_with_it():
    with pytest.raises(ValueError, match="search_seed=1 is among the seeds"):
        SearchScale(common=TINY, search_seed=1, seeds=[1, 2], trials=2)


@pytest.mark.slow
def test_every_stage_is_a_search_that_could_begin():
    for scale in read_study(StudySettings[SearchScale], "search", []).scales.values():
        settings = planned(scale.arguments).settings
        assert settings.trials == scale.trials
        assert [each.key for each in settings.space] == ["optimizer.learning_rate", "optimizer.weight_decay"]
