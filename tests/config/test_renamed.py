"""Settings that were renamed: the old name still works, with one line that says the new one."""

import pytest

from experiments.depth_study import DepthScale
from src.config.overrides import readable
from src.runs.identity import run_hash
from src.studies.settings import StudySettings, read_study


@pytest.mark.parametrize(
    ("optimizer", "old", "new"),
    [("lars", "optimizer.trust", "optimizer.trust_coefficient"), ("rmsprop", "optimizer.average", "optimizer.decay")],
)
def test_a_setting_by_its_old_name_is_the_same_run(compose, capsys, optimizer, old, new):
    before = compose(f"optimizer={optimizer}", f"{old}=0.5")
    assert capsys.readouterr().err == f"{old} is called {new} now\n"
    after = compose(f"optimizer={optimizer}", f"{new}=0.5")
    assert capsys.readouterr().err == ""
    assert before == after
    assert run_hash(before) == run_hash(after) != run_hash(compose(f"optimizer={optimizer}"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stages.digits.seeds=[7]", "scales.digits.seeds=[7]", "stages is called scales now\n"),
        ("profiles.quick=[digits]", "scales.quick=[digits]", "profiles is called scales now\n"),
        ("profile=full", "scale=full", "profile is called scale now\n"),
    ],
)
def test_a_setting_of_a_study_by_its_old_name(capsys, old, new, said):
    before = read_study(StudySettings[DepthScale], "depth_study", [old])
    assert capsys.readouterr().err == said
    assert before == read_study(StudySettings[DepthScale], "depth_study", [new])
    assert before != read_study(StudySettings[DepthScale], "depth_study", [])
    assert capsys.readouterr().err == ""


def test_a_choice_by_its_old_name(compose, capsys):
    before = compose("debug=profile")
    assert capsys.readouterr().err == "debug=profile is called debug=trace now\n"
    assert before == compose("debug=trace")
    assert before.debug.trace == 10


def test_the_profile_of_a_run_keeps_its_name(compose, capsys):
    assert compose("+profile=quick", "profile.examples=300").profile.examples == 300
    assert capsys.readouterr().err == ""


def test_only_whole_names_are_replaced():
    kept = ["model.stages=3", "+optimizer.trusty=1", "~optimizer", "stages=1", "debug=profiles", "-m"]
    assert readable(kept) == kept
    assert readable(["++optimizer.trust=1"]) == ["++optimizer.trust_coefficient=1"]
