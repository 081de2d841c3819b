"""Variants are run, chosen by validation, interrupted and gathered, with real runs of seconds."""

import json

import pytest

from src.config.errors import UserError
from src.studies.runs import usable
from src.studies.variants import Variant, finished_runs, tuned

TINY = (
    "model=linear",
    "train.duration=40steps",
    "data.validation=100",
    "debug.examples=200",
    "tracking.tensorboard=false",
)


@pytest.fixture
def variant(tmp_path):
    def make(name, *arguments):
        return Variant(name, (*TINY, *arguments, f"hydra.run.dir={tmp_path}/${{run_name:}}"))

    return make


@pytest.mark.heavy
def test_the_best_value_is_that_of_the_validation_score(variant):
    (chosen,) = tuned([variant("a")], "optimizer.learning_rate", [1e-6, 0.1], seed=0)
    assert chosen.value("optimizer.learning_rate") == "0.1"


def test_one_value_needs_no_run(variant, tmp_path):
    (chosen,) = tuned([variant("a")], "optimizer.learning_rate", [0.5], seed=0)
    assert chosen.value("optimizer.learning_rate") == "0.5"
    assert not list(tmp_path.iterdir())


@pytest.mark.heavy
def test_finished_runs_are_reused_and_others_left_out(variant, caplog):
    variants = [variant("slow", "optimizer.learning_rate=0.01"), variant("fast", "optimizer.learning_rate=0.1")]
    first = finished_runs(variants, [0, 1])
    assert {name: list(runs) for name, runs in first.items()} == {"slow": [0, 1], "fast": [0, 1]}
    assert first["slow"][0].last("train_loss") > first["fast"][0].last("train_loss")
    times = {
        run.directory.path: run.directory.table.stat().st_mtime_ns for runs in first.values() for run in runs.values()
    }

    foreign = first["fast"][1].directory
    record = foreign.read_json("provenance.json") | {"identity": "0000000000"}
    (foreign.path / "provenance.json").write_text(json.dumps(record))
    again = finished_runs(variants, [0, 1])
    assert list(again["fast"]) == [0]
    assert f"left out: {foreign.path} holds another run" in caplog.text
    assert all(path.joinpath("metrics.csv").stat().st_mtime_ns == time for path, time in times.items())


@pytest.mark.heavy
def test_a_run_that_diverges_is_never_averaged(variant, caplog):
    runs = finished_runs(
        [variant("wild", "optimizer.learning_rate=1e30"), variant("tame", "optimizer.learning_rate=0.1")], [0]
    )
    assert {name: list(found) for name, found in runs.items()} == {"wild": [], "tame": [0]}
    assert "it counts as not finished" in caplog.text


def test_a_run_that_never_began_is_not_usable(variant):
    assert not usable(variant("a").run(0))


@pytest.mark.heavy
def test_no_finished_value_is_an_error(variant):
    with pytest.raises(UserError, match=r"wild: no run finished with optimizer.learning_rate among 1e\+30, 1e\+31"):
        tuned([variant("wild")], "optimizer.learning_rate", [1e30, 1e31], seed=0)


def test_what_is_chosen_by_validation_needs_a_validation_split(variant, tmp_path):
    with pytest.raises(UserError, match="is chosen on the validation split, and data"):
        tuned([variant("a", "data.validation=0")], "optimizer.learning_rate", [0.1, 0.2], seed=0)
    assert not list(tmp_path.iterdir())


def test_two_variants_have_two_names(variant):
    with pytest.raises(UserError, match="two variants are called 'a'"):
        finished_runs([variant("a"), variant("a", "model.bias=false")], [0])
