"""Projections on a plane, by directions that are neither orthogonal nor of length 1."""

import jax.numpy as jnp
import pytest

from src.config.errors import UserError
from src.landscape.trajectories import project


def tree(*values):
    return {"layer": {"kernel": jnp.array([values])}}


def test_a_point_of_the_plane_has_its_coordinates_and_no_residual():
    directions = [tree(2.0, 0.0, 0.0), tree(1.0, 1.0, 0.0)]
    (found,) = project([tree(1 + 2 * 3 - 1.0, 1 - 1.0, 1.0)], tree(1.0, 1.0, 1.0), directions)
    assert found.coordinates == pytest.approx([3, -1], abs=1e-6)
    assert found.residual == pytest.approx(0, abs=1e-6)
    assert found.explained == pytest.approx(1)


def test_what_is_outside_of_the_plane_is_said():
    (found,) = project([tree(3.0, 0.0, 4.0)], tree(0.0, 0.0, 0.0), [tree(1.0, 0.0, 0.0), tree(0.0, 1.0, 0.0)])
    assert found.coordinates == pytest.approx([3, 0])
    assert (found.residual, found.explained) == (pytest.approx(4), pytest.approx(9 / 25))


@pytest.mark.parametrize("second", [(2.0, 4.0, 0.0), (0.0, 0.0, 0.0)])
def test_directions_that_span_no_plane_are_refused(second):
    with pytest.raises(UserError, match="the directions are zero or lead the same way"):
        project([tree(1.0, 1.0, 1.0)], tree(0.0, 0.0, 0.0), [tree(1.0, 2.0, 0.0), tree(*second)])


def test_the_origin_itself():
    (found,) = project([tree(1.0, 2.0, 3.0)], tree(1.0, 2.0, 3.0), [tree(1.0, 0.0, 0.0)])
    assert found.coordinates == [0]
    assert (found.residual, found.explained) == (0, 1)
