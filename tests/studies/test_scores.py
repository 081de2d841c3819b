"""Scores and timings of variants."""

import pytest

from src.config.errors import UserError
from src.studies.comparison import Comparison
from src.studies.costs import step_ratios
from src.studies.estimates import estimate
from src.studies.runs import StudyRun, planned
from src.studies.scores import final_errors


class Finished(StudyRun):
    """A run that came to its end with an accuracy."""

    def __init__(self, accuracy):
        object.__setattr__(self, "accuracy", accuracy)

    def results(self):
        return {"test_accuracy": self.accuracy}


def test_differences_are_taken_seed_by_seed():
    first = {0: Finished(0.90), 1: Finished(0.80), 2: Finished(0.5)}
    second = {0: Finished(0.95), 1: Finished(0.85), 3: Finished(1.0)}
    assert final_errors(first) == pytest.approx({0: 10, 1: 20, 2: 50})
    comparison = Comparison((), {"first": first, "second": second})
    found = estimate(comparison.differences("first", "second"))
    assert (found.mean, found.n) == (pytest.approx(5), 2)
    assert found.std == pytest.approx(0, abs=1e-9)


def test_variants_without_a_common_seed_cannot_be_compared():
    comparison = Comparison((), {"a": {0: Finished(1.0)}, "b": {1: Finished(1.0)}})
    for other in ("b", "diverged"):
        with pytest.raises(UserError, match=f"no seed has finished runs of a, {other}"):
            comparison.differences("a", other)
    with pytest.raises(UserError, match="full, 64: no run finished"):
        comparison.check_reference("full, 64")


@pytest.mark.slow
def test_a_network_takes_as_long_as_itself_and_less_than_a_larger_one():
    common = ("data=digits", "debug.examples=300", "model=dense")
    small, large = planned([*common, "model.hidden=[4]"]), planned([*common, "model.hidden=[4000,4000]"])
    found = step_ratios({"small": small, "large": large}, rounds=3)
    assert found["small"] == (1.0, 1.0, 1.0, 3)
    assert found["large"].median > 1
