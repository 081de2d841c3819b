"""Settings that were renamed: the old name still works, with one line that says the new one."""

import pytest

from experiments.depth_study import DepthScale
from src.config.overrides import with_new_keys
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


def test_a_group_of_settings_by_its_old_name(capsys):
    old, new = (
        read_study(StudySettings[DepthScale], "depth_study", [f"{name}.digits.seeds=[7]"])
        for name in ("stages", "scales")
    )
    assert old == new
    assert capsys.readouterr().err == "stages is called scales now\n"


def test_only_whole_names_are_replaced():
    kept = ["model.stages=3", "+optimizer.trusty=1", "~optimizer", "stages_=1", "-m"]
    assert with_new_keys(kept) == kept
    assert with_new_keys(["++optimizer.trust=1"]) == ["++optimizer.trust_coefficient=1"]
