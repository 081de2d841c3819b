"""Means and their intervals, against what textbooks and SciPy say."""

import numpy as np
import pytest
from scipy import stats

from src.studies.estimates import estimate


def test_the_interval_is_students():
    values = [3.1, 2.7, 3.6, 2.9]
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    assert found.positive
    assert str(found) == "3.08 ± 0.39"


def test_one_repetition_has_no_interval_and_shows_nothing():
    found = estimate([5.0])
    assert (found.deviation, found.low, found.high) == (None, None, None)
    assert not found.positive
    assert found.interval == "unknown"


def test_an_interval_over_zero_is_not_positive():
    assert not estimate([-0.1, 0.3, 0.2]).positive
