"""Pairs are run, compared and reported, with real runs of seconds."""

import json
import re

import pytest

from experiments.alexnet_changes import ChangesSettings, report
from src.config.errors import UserError
from src.config.settings import defining_values, read_settings
from src.runs.identity import difference
from src.studies.settings import read_study

TINY = ["train.duration=40steps", "data.validation=100", "debug.examples=200", "tracking.tensorboard=false"]
PAIR = {
    "what": "layers", "claim": "more is better", "shared": ["model=dense"], "learning_rates": [0.001, 0.1],
    "a": {"name": "1", "settings": ["model.hidden=[]"]}, "b": {"name": "2", "settings": ["model.hidden=[9]"]},
}  # fmt: skip


def settings(pair):
    scale = {"common": TINY, "seeds": [0, 1], "pairs": {"depth": ["data.batch_size=40"]}}
    values = {"scale": "tiny", "scales": {"tiny": scale}, "pairs": {"depth": pair}}
    return read_settings(ChangesSettings, values)


@pytest.mark.slow
def test_a_pair_is_compared_seed_by_seed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    chosen = settings(PAIR)
    report("tiny", chosen, chosen.scales["tiny"])
    facts = json.loads((tmp_path / "runs/figures/tiny/results.json").read_text())["facts"]
    found = facts["pairs"]["depth"]
    tests = {
        run["run"]: json.loads((tmp_path / "runs" / run["run"] / "results.json").read_text()) for run in facts["runs"]
    }
    one, two = ([tests[run["run"]]["test_accuracy"] for run in facts["runs"] if hidden in run["arguments"]]
                for hidden in ("model.hidden=[]", "model.hidden=[9]"))  # fmt: skip
    assert len(one) == len(two) == 2
    assert found["difference"]["mean"] == pytest.approx(100 * (sum(two) - sum(one)) / 2)
    assert (found["a"]["parameters"], found["b"]["parameters"]) == (650, 685)
    assert found["a"]["learning_rate"] == "0.1"
    assert "more is better" in capsys.readouterr().out
    assert (tmp_path / "runs/figures/tiny/differences.png").exists()


def test_a_pair_that_does_not_exist_is_named():
    with pytest.raises(UserError, match=re.escape("there is no pair 'dropuot'; did you mean 'dropout'?")):
        read_study(ChangesSettings, "alexnet_changes", ["scales.convnet.pairs.dropuot=[]"])


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("collect_norm", "model.collect is flatten there and global_max here"),
        ("batch_norm", "model.batch_norm is False there and True here"),
        ("activation", "model.activation is tanh there and relu here"),
        ("dropout", "model.dropout is 0.0 there and 0.5 here"),
        ("dense_3", "model.hidden is [100] there and [100, 100] here"),
        ("response_norm", "model.variant is paper there and unnormalized here"),
        ("groups", "model.variant is paper there and ungrouped here"),
        ("auxiliary", "model.auxiliary is False there and True here"),
    ],
)
def test_the_variants_of_a_pair_differ_in_one_thing(pair, words):
    study = read_study(ChangesSettings, "alexnet_changes", [])
    a, b = (defining_values(variant.run(0).settings) for variant in study.candidates(study.scales["cifar10"])[pair])
    assert difference(a, b) == words


@pytest.mark.slow
def test_every_run_of_every_stage_composes():
    study = read_study(ChangesSettings, "alexnet_changes", [])
    for scale in study.scales.values():
        pairs = study.candidates(scale)
        assert all(variant.run(0).settings.seed == 0 for variants in pairs.values() for variant in variants)
        assert set(pairs) == set(scale.pairs)
