"""Figures of surfaces: what is drawn is what was measured, and what was not is marked."""

import io

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh

from src.config.errors import UserError
from src.landscape.surface import Surface
from src.plots.surfaces import Trajectory, contours, heat_maps, interpolations, landscapes
from tests.landscape.made_up import line, plane


def drawn(figure):
    """Draws a figure, which must raise no warning, and returns it."""
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    return figure


def collections(axis, kind):
    return [each for each in axis.collections if isinstance(each, kind)]


def legend(figure):
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


@pytest.fixture
def pair():
    """Two surfaces of different sizes, neither square."""
    return [plane("calm", 21, 15), plane("wild", 17, 25, wild=True, holes=True)]


def test_contours_have_the_levels_of_the_paper_and_one_scale(pair):
    figure = drawn(contours(pair))
    calm, wild = figure.axes
    lines = calm.collections[0]
    largest = pair[0].values["train_loss"].max()
    assert list(lines.levels) == [level for level in np.arange(1, 100, 5) / 10 if 0.1 < level < largest]
    assert lines.norm is wild.collections[0].norm
    assert calm.texts  # the labels of the lines


def test_contours_lie_where_the_loss_is_theirs():
    alpha, beta = np.linspace(-1, 1, 41), np.linspace(0, 3, 31)
    tilted = Surface("tilted", alpha, beta, {"train_loss": np.broadcast_to(beta, (41, 31)) + alpha[:, None]})
    lines = contours([tilted]).axes[0].collections[0]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        np.testing.assert_allclose(path.vertices.sum(axis=1), level, atol=1e-9)


def test_a_heat_map_shows_every_point_in_its_place_and_hatches_the_others(pair):
    figure = drawn(heat_maps(pair))
    axis, loss = figure.axes[1], pair[1].values["train_loss"]
    (mesh,) = collections(axis, QuadMesh)
    shown = mesh.get_array()
    assert shown.shape == (25, 17)
    np.testing.assert_array_equal(shown.mask, ~np.isfinite(loss).T)
    np.testing.assert_array_equal(shown.compressed(), loss.T[np.isfinite(loss).T])
    (marked,) = collections(axis, PolyCollection)
    assert len(marked.get_paths()) == 3
    assert marked.get_hatch()
    middle = marked.get_paths()[0].vertices[:4].mean(axis=0)
    np.testing.assert_allclose(middle, [pair[1].alpha[17 // 5], pair[1].beta[25 // 4]])
    assert legend(figure) == ["not finite"]
    assert not collections(figure.axes[0], PolyCollection)


def test_a_landscape_stands_on_one_logarithmic_scale(pair):
    figure = drawn(landscapes(pair))
    losses = np.concatenate([each.values["train_loss"].ravel() for each in pair])
    finite = losses[np.isfinite(losses)]
    for axis in figure.axes[:2]:
        np.testing.assert_allclose(axis.get_zlim(), np.log10([finite.min(), finite.max()]), rtol=1e-5)
    assert legend(figure) == ["not finite"]
    drawn(landscapes(pair, "test_accuracy"))


@pytest.mark.parametrize("lowest", [0.0, -3.0])
def test_losses_that_are_zero_or_negative_are_drawn_on_a_linear_scale(lowest):
    alpha = np.linspace(-1, 1, 5)
    bowl = Surface("bowl", alpha, alpha, {"train_loss": alpha[:, None] ** 2 + alpha**2 + lowest})
    flat = drawn(heat_maps([bowl]))
    (mesh,) = collections(flat.axes[0], QuadMesh)
    assert not np.ma.getmaskarray(mesh.get_array()).any()
    high = drawn(landscapes([bowl]))
    assert high.axes[0].get_zlim() == (lowest, lowest + 2)
    assert not legend(flat) + legend(high)
    rim = Surface("line", alpha, None, {"train_loss": alpha**2 + lowest})
    assert drawn(interpolations([rim])).axes[0].get_yscale() == "linear"


def test_many_surfaces_take_two_rows():
    figure = drawn(contours([plane(str(number), 9, 9) for number in range(6)]))
    rows = [axis.get_subplotspec().rowspan.start for axis in figure.axes]
    assert rows == [0, 0, 0, 1, 1, 1]


def test_interpolations_are_solid_in_training_and_dashed_in_the_test():
    surface = line(n=41)
    figure = drawn(interpolations([surface, line("whole", 21, hole=False)]))
    losses, shares = figure.axes[0], figure.axes[2]
    for axis, name in ((losses, "loss"), (shares, "accuracy")):
        for each, split, dashes in zip(axis.get_lines(), ("train", "test"), ("-", "--"), strict=True):
            values = surface.values[f"{split}_{name}"]
            assert each.get_linestyle() == dashes
            np.testing.assert_array_equal(each.get_ydata(), values)
    assert losses.get_yscale() == "log"
    assert len(losses.patches) == 2  # two of the 41 steps overflow
    assert set(legend(figure)) == {"training loss", "test loss", "training accuracy", "test accuracy", "not finite"}


def test_a_trajectory_says_how_much_of_the_movement_is_seen(pair):
    path = Trajectory(np.array([[0.9, -0.8], [0.2, -0.3], [0.0, 0.0]]), (0.72, 0.134))
    axis, other = drawn(contours(pair, trajectories=[path, None])).axes
    np.testing.assert_array_equal(axis.get_lines()[0].get_xydata(), path.points)
    assert axis.get_xlabel() == "α: 72.0% of the movement"
    assert axis.get_ylabel() == "β: 13.4% of the movement"
    assert not other.get_lines()


def test_nothing_finite_is_still_a_figure_of_contours_and_one_line_elsewhere():
    lost = Surface("lost", np.arange(3.0), np.arange(4.0), {"train_loss": np.full((3, 4), np.nan)})
    assert legend(drawn(contours([lost]))) == ["not finite"]
    for figure in (heat_maps, landscapes):
        with pytest.raises(UserError, match="no surface has a finite train_loss"):
            figure([lost])


def test_lines_and_planes_are_not_mixed_up():
    for figure in (contours, heat_maps, landscapes):
        with pytest.raises(UserError, match="'interpolation' is a line, and a plane is needed"):
            figure([line(n=11)])
    with pytest.raises(UserError, match="'calm' is a plane, and a line is needed"):
        interpolations([plane(n=3, m=3)])
