from src.plots.zoo import Point, crowded, frontier


def point(name, accuracy, multiplications):
    return Point(name, "family", accuracy, multiplications, 1.0)


def test_the_frontier_has_what_no_cheaper_network_equals():
    points = [point("c", 70, 3), point("a", 70, 1), point("e", 75, 4), point("d", 80, 4), point("b", 60, 2)]
    assert [each.name for each in frontier(points)] == ["a", "d"]


def test_names_keep_clear_of_circles():
    points = [point("a", 70, 1), point("b", 70.2, 1.5), point("c", 72, 2)]
    assert [crowded(each, points) for each in points] == [True, False, False]
