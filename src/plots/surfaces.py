"""Loss surfaces in the style of Li et al. 2018 (chapter Figs. 35, 36 and 41), side by side on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LightSource, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator, PercentFormatter

from ..config.errors import UserError
from ..landscape.surface import Surface, heights

COLORS = colormaps["viridis"]
LOSS_LEVELS = tuple(float(level) for level in np.arange(1, 100, 5) / 10)  # from 0.1 to 10 in steps of 0.5: the paper's
ACCURACY_LEVELS = tuple(float(level) for level in np.arange(1, 10) / 10)
ROW = 4  # more panels than this are drawn in two rows
LONG = 1.5  # a plane whose sides differ by a greater factor is stretched to a square
ELEVATION, AZIMUTH = 32, -60  # degrees: from a corner, a little above, as in the paper's Fig. 1
LAMP = LightSource(azdeg=300, altdeg=50)
LINES: dict[str, Any] = {"edgecolor": (1, 1, 1, 0.35), "linewidth": 0.25, "shade": False}
GONE: dict[str, Any] = {"facecolor": "0.88", "edgecolor": "0.55", "hatch": "////", "linewidth": 0}


@dataclass(frozen=True)
class Trajectory:
    """The trajectory of training in the plane of a surface (Li et al. 2018, section 7).

    Attributes:
        points: alpha and beta of each checkpoint, first to last.
        explained: share of the squared distances along alpha and along beta, from 0 to 1.
    """

    points: Float64[np.ndarray, "k 2"]
    explained: tuple[float, float]


def contours(
    surfaces: Sequence[Surface], value: str = "train_loss", trajectories: Sequence[Trajectory | None] = ()
) -> Figure:
    """Labelled contours, losses from 0.1 to 10 in steps of 0.5 (paper, Fig. 5), with paths drawn over them (Fig. 9).

    Args:
        surfaces: over planes, one for each panel.
        value: what is drawn.
        trajectories: one for each surface, or none at all.

    Raises:
        UserError: a surface is a line or lacks the value.
    """
    figure, panels = _panels(surfaces)
    levels = LOSS_LEVELS if is_loss(value) else ACCURACY_LEVELS
    norm = Normalize(levels[0], levels[-1])
    for axis, surface in zip(panels, surfaces, strict=True):
        values = heights(surface.value(value), logarithmic=False)
        drawn = values[~np.isnan(values)]
        crossed = [level for level in levels if (drawn < level).any() and (drawn > level).any()]
        if crossed:
            lines = axis.contour(surface.alpha, surface.beta, values.T, crossed, cmap=COLORS, norm=norm, linewidths=0.9)
            axis.clabel(
                lines,
                crossed[::2],
                fontsize=6,
                fmt=lambda level: f"{level:.1f}" if is_loss(value) else f"{level:.0%}",
            )
        _mark(axis, surface, np.isnan(values))
    for axis, trajectory in zip(panels, trajectories, strict=bool(trajectories)):
        if trajectory is not None:
            _draw_trajectory(axis, trajectory)
    _legend(figure, panels)
    return figure


def heat_maps(surfaces: Sequence[Surface], value: str = "train_loss") -> Figure:
    """One coloured cell per grid point, positive losses on a logarithmic scale.

    Raises:
        UserError: a surface is a line, lacks the value or has no finite one.
    """
    figure, panels = _panels(surfaces)
    norm = _scale(surfaces, value)
    for axis, surface in zip(panels, surfaces, strict=True):
        values = surface.value(value)
        gone = ~np.isfinite(values)
        alpha, beta = map(_edges, surface.plane())
        axis.set(xlim=alpha[[0, -1]], ylim=beta[[0, -1]])
        axis.pcolormesh(alpha, beta, np.where(gone, np.nan, values).T, cmap=COLORS, norm=norm, rasterized=True)
        _mark(axis, surface, gone)
    _colorbar(figure, panels, norm, value)
    _legend(figure, panels)
    return figure


def landscapes(surfaces: Sequence[Surface], value: str = "train_loss") -> Figure:
    """Surfaces in space, positive losses on a logarithmic scale (paper, Fig. 1).

    Raises:
        UserError: a surface is a line, lacks the value or has no finite one.
    """
    figure, panels = _panels(surfaces, projection="3d")
    norm, log = _scale(surfaces, value), logarithmic(surfaces, value)
    floor, top = heights(np.array([norm.vmin, norm.vmax]), logarithmic=log)
    for axis, surface in zip(panels, surfaces, strict=True):
        height = heights(surface.value(value), logarithmic=log)
        alpha, beta = np.meshgrid(*surface.plane(), indexing="ij")
        axis.plot_surface(
            alpha, beta, height, facecolors=_lit((height - floor) / (top - floor)), rstride=1, cstride=1, **LINES
        )
        gone = np.isnan(height)
        if gone.any():
            axis.scatter(alpha[gone], beta[gone], floor, marker="x", color="0.5", s=9, label="not finite", zorder=0)
        axis.set(zlim=(floor, top))
        axis.view_init(ELEVATION, AZIMUTH)
        if log:
            axis.zaxis.set_major_locator(MultipleLocator(1))
            axis.zaxis.set_major_formatter(FuncFormatter(lambda power, _: f"$10^{{{power:.0f}}}$"))
    _colorbar(figure, panels, norm, value, shrink=0.7)
    _legend(figure, panels)
    return figure


def interpolations(surfaces: Sequence[Surface]) -> Figure:
    """Loss and accuracy along lines, training solid and test dashed (paper, Fig. 2).

    Raises:
        UserError: a surface is a plane, or has neither loss nor accuracy.
    """
    figure = Figure(figsize=(4.8 * len(surfaces), 3.6), layout="constrained")
    panels = figure.subplots(1, len(surfaces), sharey=True, squeeze=False)[0]
    losses = [name for surface in surfaces for name in scores(surface) if is_loss(name)]
    log = all(surface.logarithmic(name) for surface in surfaces for name in losses if name in surface.values)
    panels[0].set(yscale="log" if log else "linear", ylabel="loss")
    panels[0].yaxis.label.set_color("C0")
    for axis, surface in zip(panels, surfaces, strict=True):
        if surface.beta is not None:
            raise UserError(f"the surface '{surface.title}' is a plane, and a line is needed")
        shares = axis.twinx()
        shares.set(ylim=(0, 1.02))
        shares.yaxis.set_major_formatter(PercentFormatter(1))
        gone = np.zeros(surface.shape, bool)
        for name in scores(surface):
            values = surface.values[name]
            target, color = (axis, "C0") if is_loss(name) else (shares, "C3")
            finite = np.isfinite(values)
            gone |= ~finite
            target.plot(
                surface.alpha,
                np.where(finite, values, np.nan),
                color=color,
                linestyle="--" if name.startswith("test") else "-",
                label=words(name),
            )
        axis.set(title=surface.title, xlabel="α", xlim=(surface.alpha[0], surface.alpha[-1]))
        axis.grid(alpha=0.25)
        _mark_line(axis, surface, gone)
        for each in (axis, shares):
            each.spines["top"].set_visible(False)
        if axis is panels[-1]:
            shares.set_ylabel("accuracy", color="C3")
    _legend(figure, figure.axes)
    return figure


def is_loss(value: str) -> bool:
    """Whether a value is a loss and not an accuracy."""
    return value.endswith("loss")


def logarithmic(surfaces: Sequence[Surface], value: str) -> bool:
    """Whether all surfaces can share a logarithmic scale."""
    return all(surface.logarithmic(value) for surface in surfaces)


def scores(surface: Surface) -> list[str]:
    """Names of the losses and accuracies of a surface, without the values about their measurement."""
    return [name for name in surface.values if name.endswith(("loss", "accuracy"))]


def words(value: str) -> str:
    """The axis label of a value."""
    return value.replace("train_", "training ").replace("_", " ")


def finite_range(surfaces: Sequence[Surface], value: str) -> tuple[float, float]:
    """The smallest and the largest finite value of all surfaces.

    Raises:
        UserError: a surface lacks the value, or there is no finite one.
    """
    arrays = [surface.value(value) for surface in surfaces]
    drawn = np.concatenate([each[np.isfinite(each)] for each in arrays])
    if not drawn.size:
        raise UserError(f"no surface has a finite {value}")
    return float(drawn.min()), float(drawn.max())


def _panels(surfaces: Sequence[Surface], projection: str | None = None) -> tuple[Figure, list[Any]]:
    """A figure with a titled panel for each surface."""
    rows = 1 if len(surfaces) <= ROW else 2
    columns = -(-len(surfaces) // rows)
    figure = Figure(figsize=(4.4 * columns, 4.6 * rows), layout="constrained" if projection else "compressed")
    panels: list[Any] = []  # in space they are of a class of their own
    for number, surface in enumerate(surfaces, 1):
        alpha, beta = surface.plane()
        axis = figure.add_subplot(rows, columns, number, projection=projection)
        axis.set(title=surface.title, xlabel="α", ylabel="β")
        if projection is None:
            long = max(np.ptp(alpha), np.ptp(beta)) > LONG * min(np.ptp(alpha), np.ptp(beta))
            axis.set(xlim=alpha[[0, -1]], ylim=beta[[0, -1]], aspect="auto" if long else "equal")
            axis.locator_params(nbins=5)
        panels.append(axis)
    return figure, panels


def _scale(surfaces: Sequence[Surface], value: str) -> Normalize:
    """The colours that all surfaces share."""
    low, high = finite_range(surfaces, value)
    return LogNorm(low, high) if logarithmic(surfaces, value) else Normalize(low, high)


def _lit(heights: Float64[np.ndarray, "n m"]) -> Float64[np.ndarray, "n m 4"]:
    """Colours of heights from 0 to 1, brighter where a slope faces the lamp."""
    rows, columns = heights.shape
    return LAMP.shade_rgb(COLORS(heights), heights, 0.7, "soft", vert_exag=0.75, dx=1 / rows, dy=1 / columns)


def _colorbar(figure: Figure, panels: list[Axes], norm: Normalize, value: str, shrink: float = 1.0) -> None:
    percent = None if is_loss(value) else PercentFormatter(1)
    figure.colorbar(ScalarMappable(norm, COLORS), ax=panels, label=words(value), format=percent, shrink=shrink)


def _draw_trajectory(axis: Axes, trajectory: Trajectory) -> None:
    """Joins the checkpoints, and labels the axes with the explained shares."""
    axis.plot(*trajectory.points.T, color="C3", linewidth=1.2, marker="o", markersize=2.5, label="training")
    axis.plot(*trajectory.points[-1], color="C3", marker="*", markersize=11, markeredgecolor="white", linestyle="")
    alpha, beta = (f"{share:.1%} of the movement" for share in trajectory.explained)
    axis.set(xlabel=f"α: {alpha}", ylabel=f"β: {beta}")


def _mark(axis: Axes, surface: Surface, gone: Bool[np.ndarray, "n m"]) -> None:
    """Hatches the cells of points that have no finite value."""
    alpha, beta = map(_edges, surface.plane())
    cells = [
        ((alpha[i], beta[j]), (alpha[i + 1], beta[j]), (alpha[i + 1], beta[j + 1]), (alpha[i], beta[j + 1]))
        for i, j in np.argwhere(gone)
    ]
    if cells:
        axis.add_collection(PolyCollection(cells, **GONE, label="not finite"), autolim=False)


def _mark_line(axis: Axes, surface: Surface, gone: Bool[np.ndarray, "n"]) -> None:
    """Hatches the steps of points that have no finite value."""
    edges = _edges(surface.alpha)
    for start, end in zip(edges[:-1][gone], edges[1:][gone], strict=True):
        axis.axvspan(start, end, **GONE, label="not finite")


def _edges(steps: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n+1"]:
    """Boundaries between the cells of points."""
    inner = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([2 * steps[:1] - inner[:1], inner, 2 * steps[-1:] - inner[-1:]])


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend for all panels, without duplicates."""
    named: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    if named:
        figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=len(named), frameon=False)
