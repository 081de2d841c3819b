import numpy as np
import pytest

from src.plots.searches import AxisScale, Tried, parallel_coordinates, search_history

TRIALS = [
    Tried("complete", 90.0, [0.1, 3.0]),
    Tried("pruned", 50.0, [0.01, 1.0]),
    Tried("failed", None, [1.0, 5.0]),
    Tried("complete", 70.0, [0.1, 2.0]),
]
SCALES = [AxisScale("rate", 0.01, 1.0, log=True), AxisScale("depth", 1.0, 5.0)]


def test_heights_are_shares_of_the_range_by_value_or_by_order_of_magnitude():
    assert [SCALES[0].height(value) for value in (0.01, 0.1, 1.0)] == pytest.approx([0, 0.5, 1])
    assert [SCALES[1].height(value) for value in (1.0, 2.0, 5.0)] == pytest.approx([0, 0.25, 1])
    assert SCALES[0].ticks() == pytest.approx([0.01, 0.1, 1])


@pytest.mark.parametrize(("low", "high"), [(0.002, 0.008), (0.05, 0.5)])
def test_a_logarithmic_axis_always_has_numbers(low, high):
    ticks = AxisScale("rate", low, high, log=True).ticks()
    assert ticks == pytest.approx(np.geomspace(low, high, 5))


def test_every_trial_is_a_line_to_its_score_and_a_failed_one_ends_before():
    (axis,) = parallel_coordinates(TRIALS, SCALES, "score").axes
    lines = [line.get_ydata() for line in axis.lines if line.get_marker() == "o"]
    expected = [[1, 1], [0, 0, 0], [0.5, 0.25, 0.5], [0.5, 0.5, 1]]  # from the failed one to the best
    assert len(lines) == 4
    for line, heights in zip(lines, expected, strict=True):
        np.testing.assert_allclose(line, heights, atol=1e-9)


def test_the_best_so_far_knows_complete_trials_only():
    (axis,) = search_history([TRIALS[3], TRIALS[1], TRIALS[2], TRIALS[0]], "score", recipe=80.0).axes
    best = next(line for line in axis.lines if line.get_label() == "best so far")
    assert best.get_ydata().tolist() == [70, 70, 70, 90]
    assert next(line for line in axis.lines if line.get_label() == "recipe").get_ydata() == [80.0, 80.0]
