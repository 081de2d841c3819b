from src.plots.differences import SURE, UNSURE, Difference, differences_figure


def test_a_change_is_sure_if_its_interval_leaves_zero_out():
    changes = [
        Difference("pool", "flatten", "max", -2.0, -3.0, -1.0),
        Difference("depth", "1", "2", 0.5, -1.0, 2.0),
        Difference("depth", "2", "3", 1.0, None, None),
    ]
    (axis,) = differences_figure(changes, "points").axes
    points = [(line.get_xdata()[0], line.get_color()) for line in axis.lines if line.get_marker() == "o"]
    assert points == [(-2.0, SURE), (0.5, UNSURE), (1.0, UNSURE)]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["pool:  flatten → max", "depth:  1 → 2", "2 → 3"]
    assert axis.yaxis_inverted()
