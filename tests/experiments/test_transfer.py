"""Methods of transfer learning are run, compared and reported, with real runs of seconds."""

import json

import pytest

from experiments.transfer import Report, TransferSettings
from src.config.errors import UserError
from src.config.settings import read_settings
from src.studies.runs import finish, planned
from src.studies.settings import read_study

TINY = ["train.duration=20steps", "data.batch_size=40", "data.augment=null", "tracking.tensorboard=false"]
RESNET = ["model.depth=8"]


def settings(weights):
    scratch = [*RESNET, "data.validation=0"]
    behind = ["model=transfer", "model.body=resnet", "model.body.depth=8", "model.features=average",
              "model.hidden=null", "model.dropout=0.0", "data.normalize=pretrained", f"pretrained={weights}",
              "data.validation=0", "freeze=[body]"]  # fmt: skip
    methods = {"from scratch": scratch, "head": [*behind, "cache_features=true"], "behind": behind}
    one = {"of": "behind", "settings": ["layer_rates={body: 0.1}"], "freeze": {1: ["body", "-body.blocks.2"]}}
    few = {"of": ["from scratch", "head"], "numbers": [80]}
    scale = {"common": TINY, "seeds": [0, 1], "reference": "from scratch", "methods": methods, "unfrozen": one,
             "images": few}  # fmt: skip
    values = {"scale": "tiny", "scales": {"tiny": scale}, "root": "", "weights": "", "claims": {"head": ".975"}}
    return read_settings(TransferSettings, values)


@pytest.mark.slow
def test_methods_are_compared_seed_by_seed(tmp_path, own_cache, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = planned([*TINY, *RESNET, "train.duration=100steps", f"hydra.run.dir={tmp_path / 'source'}"])
    finish([source])
    chosen = settings(f"run:{tmp_path / 'source'}")
    Report(chosen, chosen.scales["tiny"]).write("tiny")
    facts = json.loads((tmp_path / "runs/figures/tiny/results.json").read_text())["facts"]
    rows = {row["name"]: row for row in facts["rows"]}
    assert [*rows] == [
        "from scratch", "head", "behind", "behind; blocks unfrozen: 1", "from scratch, 80 images", "head, 80 images",
    ]  # fmt: skip
    assert len(facts["runs"]) == 2 * len(rows)  # all images are trained on once
    accuracy = {run["run"]: 100 * run["test_accuracy"] for run in facts["runs"]}
    head, scratch = (
        [accuracy[run["run"]] for run in facts["runs"] if arguments <= {*run["arguments"]} and "data.validation=0" in
         run["arguments"] and not any("validation=1" in text for text in run["arguments"])]
        for arguments in ({"cache_features=true"}, {"model.depth=8"})
    )  # fmt: skip
    assert rows["head"]["accuracy"]["mean"] == pytest.approx(sum(head) / 2)
    assert rows["head"]["difference"]["mean"] == pytest.approx(sum(head) / 2 - sum(scratch) / 2)
    assert rows["head"]["accuracy"]["mean"] > rows["from scratch"]["accuracy"]["mean"]
    assert rows["from scratch"]["difference"] is None
    assert " .975 " in capsys.readouterr().out
    assert (tmp_path / "runs/figures/tiny/transfer.png").exists()


def test_what_is_missing_or_unknown_is_named():
    with pytest.raises(UserError, match="root is missing; write root=…"):
        read_study(TransferSettings, "transfer", ["weights=file:w.npz"])
    named = ["root=photos", "weights=file:w.npz"]
    with pytest.raises(UserError, match="there is no method 'from scrtch'; did you mean 'from scratch'"):
        read_study(TransferSettings, "transfer", [*named, "scales.photographs.reference=from scrtch"])
    assert "data.root=photos" in read_study(TransferSettings, "transfer", named).scales["photographs"].common
