"""Probes and alignments of two tiny networks: what they say is what the library gives, in the order of the layers."""

import json

import numpy as np
import pytest

from experiments.representations import blocks, of_stored, report
from src.config.settings import read_settings
from src.interpret.probes import averaged, probe
from src.studies.networks import NetworksScale

SCALE = {
    "common": ["model=resnet", "train.duration=40steps", "debug.examples=300", "tracking.tensorboard=false"],
    "networks": [
        {"title": "deep", "arguments": ["model.depth=14"]}, {"title": "flat", "arguments": ["model.depth=8"]},
    ],
    "splits": ["train", "test"], "images": 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The networks, and what is told of them."""
    home, scale = tmp_path_factory.mktemp("representations"), read_settings(NetworksScale, SCALE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        report("tiny", scale)
        networks = scale.trained_networks()
    folder = home / "runs/figures/tiny"
    assert {file.name for file in folder.glob("*.png")} == {"probes.png", "alignment.png"}
    return networks, json.loads((folder / "results.json").read_text())["facts"], (folder / "table.md").read_text()


@pytest.mark.heavy
def test_probes_are_of_the_layers_in_their_order(made):
    (deep, _), facts, table = made
    own = facts["probes"]["deep"]
    assert own["layers"] == blocks(deep) == ["stem", *(f"blocks.{number}" for number in range(6))]
    read, (train, test) = of_stored(deep), (deep.splits[name] for name in ("train", "test"))
    features, others = (np.asarray(averaged(read(each.inputs)["blocks.5"])) for each in (train, test))
    labels, of_others = (np.asarray(each.targets["label"]) for each in (train, test))
    assert abs(probe(features, labels, others, of_others).sum() - own["right"][6]) <= 1
    assert "deep and flat: the depth of a block" in table


@pytest.mark.heavy
def test_layers_are_alike_to_themselves_and_both_ways_round(made):
    same, there, back, _ = made[1]["alignment"]
    assert (there["one"], there["other"]) == ("deep", "flat")
    np.testing.assert_allclose(np.diag(same["values"]), 1, atol=1e-4)
    np.testing.assert_allclose(np.transpose(there["values"]), back["values"], atol=1e-4)
    assert np.shape(there["values"]) == (7, 4)
