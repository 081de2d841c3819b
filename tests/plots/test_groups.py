import numpy as np

from src.plots.groups import Group, groups_figure


def test_filters_stand_in_the_order_of_their_shares_around_grey():
    filters = np.stack([np.full((2, 2, 3), value) for value in (1.0, -1.0)], axis=-1)
    groups = (Group(filters, np.array([0.9, 0.1])), Group(filters, np.array([0.2, 0.3])))
    figure = groups_figure({"two": groups, "one": groups})
    assert len(figure.axes) == 6
    picture = figure.axes[0].images[0].get_array()
    assert picture.shape == (2, 35, 3)
    assert (picture[:, :2] == 0).all()
    assert (picture[:, 3:5] == 1).all()
    assert [axis.get_title() for axis in figure.axes[:2]] == ["first half, colour 50%", "second half, colour 25%"]
