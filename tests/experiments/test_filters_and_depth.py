"""The studies of filters and of depth with networks that train for a few steps, from their runs to their tables."""

import json
import re

import pytest

from experiments import cheap_filters, depth_study, small_filters
from src.config.settings import read_settings
from src.studies.estimates import estimate

TINY = ["train.duration=20steps", "debug.examples=200", "tracking.tensorboard=false", "data.batch_size=40"]
STACK = ["model=filter_stack", "model.stages=1", "model.width=8", "model.blocks=1", *TINY]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Reports a scale of an experiment; gives its facts and its table."""
    monkeypatch.chdir(tmp_path)

    def make(experiment, kind, **scale):
        experiment.report("tiny", read_settings(kind, scale))
        home = tmp_path / "runs/figures/tiny"
        assert len(list(home.glob("*.png"))) >= 2
        return json.loads((home / "results.json").read_text())["facts"], (home / "table.md").read_text()

    return make


@pytest.mark.slow
def test_small_filters_are_measured_beside_large_ones(made, monkeypatch):
    monkeypatch.setattr(small_filters, "ROUNDS", 3)
    monkeypatch.setattr(small_filters, "INITIALIZATIONS", 2)
    networks = {"5x5": ["model.kernel=5"], "two 3x3": ["model.kernel=3", "model.blocks=2"]}
    facts, table = made(
        small_filters, small_filters.SmallFiltersScale,
        common=STACK, comparisons={"one 5x5": networks}, learning_rates=[0.1], seeds=[0, 1],
    )  # fmt: skip
    large, small, wide = facts["comparisons"]["one 5x5"].values()
    assert large["field"] == small["field"] == wide["field"]
    assert small["parameters"] < wide["parameters"]
    assert large["gain"] is None
    for own in (small, wide):
        gains = [large["errors"][seed] - own["errors"][seed] for seed in ("0", "1")]
        assert own["gain"]["mean"] == pytest.approx(sum(gains) / 2)
        assert own["gain"]["n"] == 2
    assert len(facts["runs"]) == 6
    assert table.count("- 5x5 − two 3x3") == 2


@pytest.mark.slow
def test_cheap_filters_are_measured_beside_full_ones(made, monkeypatch):
    monkeypatch.setattr(cheap_filters, "ROUNDS", 3)
    blocks = {kind: {"widths": [8], "arguments": [f"model.block={kind}"]} for kind in ("full", "separable")}
    facts, table = made(
        cheap_filters, cheap_filters.CheapFiltersScale,
        common=STACK, blocks=blocks, learning_rates=[0.1], seeds=[0, 1],
    )  # fmt: skip
    full, cheap = facts["networks"]
    assert (full["share"], full["losses"]) == (1, [0, 0])
    assert cheap["share"] == cheap["multiplications"] / full["multiplications"] < 0.5
    assert cheap["losses"] == pytest.approx([cheap["errors"][seed] - full["errors"][seed] for seed in ("0", "1")])
    assert "multiplications of 2 of 2 networks are those of the formulas" in table
    assert re.search(r"  - separable, 8: .* \(n = 2\): ", table)


@pytest.mark.slow
def test_depth_is_compared_with_and_without_shortcuts(made):
    network = ["model=resnet", "model.depth={depth}"]
    measured = ["eval.test_curve=true", "eval.every=10steps", "train.log_every=5steps"]
    kept = ["checkpoint.every=10steps", "checkpoint.keep=null"]
    facts, table = made(
        depth_study, depth_study.DepthScale,
        common=[*TINY, *measured, *kept],
        residual=[*network, "model.shortcut=A"], plain=[*network, "model.shortcut=none"],
        depths=[8, 14], compared=[8, 14], learning_rates=[0.1], seeds=[0, 1],
    )  # fmt: skip
    assert set(facts["networks"]) == {"plain-8", "residual-8", "plain-14", "residual-14"}
    means = {name: own["test_error"]["mean"] for name, own in facts["networks"].items()}
    expected = means["plain-14"] - means["plain-8"] - means["residual-14"] + means["residual-8"]
    assert facts["difference_of_differences"]["test"]["mean"] == pytest.approx(expected)
    for name, layers in facts["layers"].items():
        depth = int(name.partition("-")[2])
        assert set(layers["gradients"]) == {"0", "10", "20"}
        assert {len(norms) for norms in layers["gradients"].values()} == {depth}
        assert min(norm for norms in layers["gradients"].values() for norm in norms.values()) > 0
    assert "(plain-14 − plain-8) − (residual-14 − residual-8)" in table
    check_that_intervals_can_be_recomputed(facts)


def check_that_intervals_can_be_recomputed(facts):
    """From the errors of the single runs that stand beside them."""
    for split in ("train", "test"):
        errors = {
            name: {int(seed): error for seed, error in own["errors"][split].items()}
            for name, own in facts["networks"].items()
        }
        for name, own in facts["networks"].items():
            assert own[f"{split}_error"] == pytest.approx(estimate([*errors[name].values()])._asdict())
        found = depth_study.difference_of_differences(errors, [8, 14])._asdict()
        assert facts["difference_of_differences"][split] == pytest.approx(found)
    of_runs = [100 * (1 - run["test_accuracy"]) for run in facts["runs"]]
    assert of_runs == pytest.approx(
        [error for own in facts["networks"].values() for error in own["errors"]["test"].values()]
    )
