"""Means and their intervals, against what textbooks and SciPy say."""

import numpy as np
import pytest
from scipy import stats

from src.config.errors import UserError
from src.studies.estimates import contrasts, estimate, estimate_correlation, verdicts


def test_the_interval_is_students():
    values = [3.1, 2.7, 3.6, 2.9]
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert found.std == pytest.approx(np.std(values, ddof=1))
    assert found.positive
    assert str(found) == "3.08 ± 0.39"


def test_one_repetition_has_no_interval_and_shows_nothing():
    found = estimate([5.0])
    assert (found.std, found.low, found.high) == (None, None, None)
    assert not found.positive
    assert found.interval == "unknown"


def test_an_interval_over_zero_is_not_positive():
    assert not estimate([-0.1, 0.3, 0.2]).positive


def test_several_intervals_hold_together_when_each_is_wider():
    values = [3.1, 2.7, 3.6, 2.9]
    found = estimate(values, comparisons=5)
    low, high = stats.t.interval(0.99, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_an_interval_of_correlations_stays_between_its_limits():
    found = estimate_correlation([0.99, 0.8, 0.95])
    z = np.arctanh([0.99, 0.8, 0.95])
    ends = np.tanh(stats.t.interval(0.95, 2, loc=z.mean(), scale=stats.sem(z)))
    assert found.mean == pytest.approx(0.9133, abs=1e-4)
    assert (found.low, found.high) == pytest.approx(tuple(ends))
    assert estimate_correlation([1.0, 1.0]).high <= 1


def test_what_is_not_finite_has_no_interval():
    for found in (estimate([1.0, np.nan]), estimate([1.0, np.inf]), estimate_correlation([0.5, np.nan])):
        assert (found.std, found.low, found.high, found.n) == (None, None, None, 2)
        assert not found.positive


def test_a_contrast_takes_the_seeds_that_all_have():
    errors = {"a": {0: 5.0, 1: 7.0, 2: 9.0}, "b": {2: 4.0, 0: 1.0}, "c": {0: 100.0}}
    assert contrasts(errors, [(1, "a"), (-1, "b")]) == [4.0, 5.0]
    assert contrasts(errors, [(1, "a"), (-1, "a")]) == [0.0, 0.0, 0.0]
    assert contrasts(errors, [(-1, "b"), (1, "c")]) == [99.0]
    for other in ("d", "e"):
        with pytest.raises(UserError, match=f"no seed has finished runs of a, {other}"):
            contrasts(errors | {"d": {3: 1.0}}, [(1, "a"), (-1, other)])


def test_verdicts_are_lines():
    found = {"a": estimate([1.0, 1.1, 1.2]), "b": estimate([1.0])}
    assert verdicts(found) == (
        "- a: 1.10 ± 0.10, 95 % interval 0.85 to 1.35 (n = 3): above 0\n"
        "- b: 1.00, 95 % interval unknown (n = 1): not shown to be above 0\n"
    )
