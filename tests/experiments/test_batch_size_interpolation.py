"""The line between two tiny networks, and what the table makes of it."""

import json

import numpy as np
import pytest

from experiments.batch_size_interpolation import InterpolationScale, both_sides, report, value_at
from src.config.errors import UserError
from src.config.settings import read_settings
from src.landscape.surface import Surface

TINY = ["model=dense", "model.hidden=[9]", "train.duration=2epochs", "debug.examples=200", "tracking.tensorboard=false"]


def network(batch, published=None):
    arguments = [f"data.batch_size={batch}"]
    return {"title": f"batch {batch}", "arguments": arguments, "published": published}


SCALE = {
    "common": TINY, "seeds": [0, 1], "images": 100,
    "pairs": [{"title": "a pair", "small": network(16, 7.37), "large": network(80)}],
    "between": {"first": -0.5, "last": 1.5, "steps": 5}, "around": {"first": -0.5, "last": 0.5, "steps": 3},
}  # fmt: skip


@pytest.mark.heavy
def test_two_networks_are_joined_and_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report("tiny", read_settings(InterpolationScale, SCALE))
    home = tmp_path / "runs/figures/tiny"
    facts = json.loads((home / "results.json").read_text())["facts"]["a pair"]
    line, *around = facts["lines"]
    assert line["alpha"] == [-0.5, 0, 0.5, 1, 1.5]
    assert len(around) == 4
    for number, (title, own) in enumerate(facts["solutions"].items()):
        scores = json.loads((tmp_path / "runs" / own["run"] / "results.json").read_text())
        lines = around[2 * number : 2 * number + 2]
        assert title == f"batch {(16, 80)[number]}"
        assert [each["run"] for each in lines] == [own["run"]] * 2
        assert own["test_error"] == pytest.approx(100 * (1 - lines[0]["test_accuracy"][1]))
        assert scores["steps"] == (25, 5)[number]
        expected = np.mean([[each["train_loss"][0], each["train_loss"][2]] for each in lines])
        assert own["loss_around"]["mean"] == pytest.approx(expected)
        assert own["loss_around"]["n"] == 2
        assert own["loss_outward"] == line["train_loss"][(0, 4)[number]]
    table = (home / "table.md").read_text()
    assert "published test error %" in table
    assert " 7.37 |" in table
    assert (home / "a_pair.png").exists()


def test_values_are_read_off_a_line():
    line = Surface("bowl", np.array([-1.0, 0.0, 1.0]), None, {"train_loss": np.array([4.0, 1.0, 2.0])})
    assert value_at(line, "train_loss", 0.0) == 1
    assert both_sides(line) == pytest.approx((2.5 + 1.5) / 2)


@pytest.mark.parametrize(
    ("axis", "first", "last", "steps", "words"),
    [
        ("between", -0.5, 1.0, 4, "between should go from -0.5 or less to 1.5"),
        ("around", -0.1, 1.0, 12, "around should go"),
    ],
)
def test_lines_have_to_reach_where_they_are_compared(axis, first, last, steps, words):
    with pytest.raises(UserError, match=words):
        read_settings(InterpolationScale, SCALE | {axis: {"first": first, "last": last, "steps": steps}})


def test_two_pairs_do_not_share_their_picture():
    pairs = [SCALE["pairs"][0], SCALE["pairs"][0] | {"title": "a/pair"}]
    with pytest.raises(UserError, match="'a pair' names the same files as another one"):
        read_settings(InterpolationScale, SCALE | {"pairs": pairs})
