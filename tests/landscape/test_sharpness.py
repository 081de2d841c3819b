"""Single numbers of surfaces that are known."""

import numpy as np
import pytest

from src.config.errors import UserError
from src.landscape.sharpness import nonconvex_share, share_below
from src.landscape.surface import Surface

ALPHA, BETA = np.linspace(-1, 1, 201), np.linspace(-2, 2, 151)


def surface(function):
    return Surface("s", ALPHA, BETA, {"loss": function(*np.meshgrid(ALPHA, BETA, indexing="ij"))})


def test_a_bowl_is_convex_everywhere_and_a_saddle_nowhere():
    assert nonconvex_share(surface(lambda a, b: 3 * a**2 + b**2 + a * b), "loss") == 0
    assert nonconvex_share(surface(lambda a, b: a**2 - b**2), "loss") == 1
    assert nonconvex_share(surface(lambda a, b: a**2 + b**2 / 7 - 1.5 * a * b), "loss") == 1


def test_no_point_of_a_ridge_that_is_convex_counts():
    def ridge(a, b):
        return np.logaddexp(0, 20 * (a + b - 0.3))

    assert nonconvex_share(surface(ridge), "loss") < 0.01


@pytest.mark.parametrize("alpha", [np.array([0.0, 1.0]), np.array([0.0, 1.0, 3.0])])
def test_a_share_needs_three_even_steps(alpha):
    values = np.zeros((len(alpha), len(BETA)))
    with pytest.raises(UserError, match="three or more even steps along alpha"):
        nonconvex_share(Surface("s", alpha, BETA, {"loss": values}), "loss")


def test_half_of_a_wave_is_convex():
    assert nonconvex_share(surface(lambda a, b: np.sin(np.pi * a) + b**2), "loss") == pytest.approx(0.5, abs=0.03)


def test_what_is_not_finite_is_left_out():
    def bowl(a, b):
        return np.where(a > 0.9, np.inf, a**2 + b**2)

    assert nonconvex_share(surface(bowl), "loss") == 0
    assert share_below(surface(bowl), "loss", 100.0) == pytest.approx(191 / 201, abs=0.01)


def test_the_share_below_a_level_is_an_area():
    found = share_below(surface(lambda a, b: a**2 + b**2 / 4), "loss", 1.0)
    assert found == pytest.approx(np.pi / 4, abs=0.03)
