"""Methods are compared on the images that a network gets right, and random maps are better than none of them."""

import json

import numpy as np
import pytest

from experiments.faithfulness import FaithfulnessScale, explained, report
from src.config.errors import UserError
from src.config.settings import read_settings
from src.studies.attributions import RANDOM, sized

SCALE = {
    "common": ["model.depth=8", "train.duration=60steps", "debug.examples=300", "tracking.tensorboard=false"],
    "networks": [{"title": "ResNet-8", "arguments": []}],
    "splits": ["test"], "images": 24, "steps": 8, "samples": 2, "window": 3, "stride": 2, "randomized": 3,
    "batch_size": 24,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What is told of a small network, and the table."""
    home = tmp_path_factory.mktemp("faithfulness")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        report("tiny", read_settings(FaithfulnessScale, SCALE))
    folder = home / "runs/figures/tiny"
    assert {file.name for file in folder.glob("*.png")} == {"maps.png", "random_layers.png"}
    facts = json.loads((folder / "results.json").read_text())["facts"]
    return facts, (folder / "table.md").read_text(), home


@pytest.mark.heavy
def test_only_images_that_are_right_are_explained(made):
    facts, *_ = made
    assert 8 < facts["images"] <= 24
    assert {each["n"] for row in facts["methods"].values() for each in (row["deletion"], row["fell_more"])} == {
        facts["images"]
    }


@pytest.mark.heavy
def test_every_method_is_compared_with_random_maps_on_the_same_images(made):
    facts, table, _ = made
    rows = facts["methods"]
    assert len(rows) == 10
    for row in rows.values():
        gain = rows[RANDOM]["deletion"]["mean"] - row["deletion"]["mean"]
        assert row["deleted_less"]["mean"] == pytest.approx(gain, abs=1e-9)
    assert rows[RANDOM]["inserted_more"]["mean"] == 0
    assert (
        rows["occlusion"]["deletion"]["mean"] < rows[RANDOM]["deletion"]["mean"] < rows[RANDOM]["insertion"]["mean"] + 1
    )
    assert "| integrated gradients" in table


@pytest.mark.heavy
def test_maps_that_know_nothing_do_not_change_with_the_layers(made):
    rows = made[0]["methods"]
    layers = {name: list(row["random_layers"].values()) for name, row in rows.items()}
    assert {each["mean"] for each in layers[RANDOM]} == {1.0}
    assert layers["gradient"][-1]["mean"] < 0.7
    assert len({len(each) for each in layers.values()}) == 1


@pytest.mark.heavy
def test_a_network_that_is_never_right_explains_nothing(made, monkeypatch):
    monkeypatch.chdir(made[2])
    (network,) = read_settings(FaithfulnessScale, SCALE).trained_networks()
    data = network.splits["test"]
    nowhere = data._replace(targets={"label": np.full(data.examples, 10)})
    with pytest.raises(UserError, match="ResNet-8 gets none of 24 images right"):
        explained(network._replace(splits={"test": nowhere}))


def test_signs_are_taken_off():
    maps = sized(lambda images: images)(np.array([[[[1.0, -2.0]]]]))
    np.testing.assert_array_equal(maps, [[[3.0]]])
