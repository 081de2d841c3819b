"""The networks of the study differ in their groups alone, and a made-up pair of groups is reported as it is."""

import numpy as np
import pytest

from experiments.group_specialisation import GroupScale, Measured, as_table, verdict
from src.config.settings import defining_values
from src.interpret.groups import halves_differ
from src.runs.identity import difference
from src.studies.runs import planned
from src.studies.settings import StudySettings, read_study


@pytest.mark.parametrize("name", ["cifar10_small", "cifar10"])
def test_networks_differ_in_their_groups_alone(name):
    scale = read_study(StudySettings[GroupScale], "group_specialisation", []).scales[name]
    two, one = (planned([*own, *scale.common]).settings for own in scale.networks.values())
    assert difference(defining_values(two), defining_values(one)) == "model.variant is paper there and ungrouped here"


def test_groups_that_differ_are_counted():
    shares = np.array([0.1] * 10 + [0.9] * 10)
    apart, alike = halves_differ(shares, seed=1), halves_differ(np.tile([0.1, 0.9], 10), seed=1)
    runs = {
        0: Measured(0.5, shares.tolist(), apart, alike),
        1: Measured(0.5, shares.tolist(), alike, alike),
    }
    assert verdict({"two groups": runs}) == "- two groups: the groups differ (p < 0.05) with 1 of 2 seeds\n"
    row = [cell.strip() for cell in as_table({"two groups": runs}).splitlines()[2].split("|")[1:-1]]
    assert row == ["two groups", "0", "50.00", "10.0", "90.0", "80.0", "0.0001", "0.0", "1.0000"]
