"""What is seen inside a network: filters, maps, neighbours, the space of features, patches (chapter Figs 44 to 47)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .style import bare, quiet
from .tiles import as_colours, coloured, enlarged, framed, signed_colours, tiled

SIDE = 60
"""Pixels of an enlarged picture."""

SAME, OTHER, NO_CLASS = (0.16, 0.62, 0.35), (0.80, 0.15, 0.15), (0.75, 0.75, 0.75)
"""Frames around neighbours of the same class, of another one, and of unknown class."""

MOUNT = (0.72, 0.80, 0.90)
"""A pale blue, behind maps and patches."""

OWN_IMAGE, OTHER_IMAGE = "#457b9d", "#8d99ae"
NAMES = 24
"""Layers that are named on an axis."""

DISTINCT = 10
"""Classes whose colours can be told apart."""


class Interval(NamedTuple):
    """A mean over images, and the ends of its 95 % interval; NaN where there is none."""

    mean: float
    low: float
    high: float


def filters_figure(filters: Float[np.ndarray, "n h w c"]) -> Figure:
    """The filters in rows, each on a scale of its own: colours around grey, or blue below zero and red above."""
    pictures = signed_colours(filters) if filters.shape[-1] == 3 else coloured(filters[..., 0], each=True)
    columns = min(16, max(8, int(np.ceil(np.sqrt(len(filters))))))
    sheet = tiled(enlarged(pictures, SIDE), columns)
    figure = Figure(figsize=(sheet.shape[1] / 100, sheet.shape[0] / 100), layout="constrained")
    axis = figure.subplots()
    axis.imshow(sheet)
    bare(axis)
    return figure


def maps_figure(
    image: Num[np.ndarray, "h w c"], maps: Mapping[str, Float[np.ndarray, "h2 w2 d"]], titles: Mapping[str, str]
) -> Figure:
    """An image, and a row for each layer with its first maps on one scale.

    Args:
        image: in bytes.
        maps: by layer.
        titles: of the rows.
    """
    sheets = [_mounted(coloured(np.moveaxis(own, -1, 0)), own.shape[-1]) for own in maps.values()]
    widest = max(sheet.shape[1] for sheet in sheets)
    figure = Figure(figsize=(2.6 + widest / 75, 0.1 + 1.12 * len(sheets)), layout="constrained")
    grid = figure.add_gridspec(len(sheets), 2, width_ratios=[1.2, widest / 75])
    axis = figure.add_subplot(grid[: min(2, len(sheets)), 0])
    axis.imshow(as_colours(image[None])[0])
    bare(axis)
    for number, (layer, sheet) in enumerate(zip(maps, sheets, strict=True)):
        axis = figure.add_subplot(grid[number, 1])
        axis.imshow(np.pad(sheet, ((0, 0), (0, widest - sheet.shape[1]), (0, 0)), constant_values=1))
        axis.set_title(titles[layer], fontsize=9, loc="left", pad=3)
        bare(axis)
    return figure


def depth_figure(layers: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """What the maps of all layers are like, in the order of the layers; bands are 95 % intervals over images.

    Args:
        layers: `zeros`, `inactive`, `likeness` and `chance` of each.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _line(left, layers, "inactive", OWN_IMAGE, "at most 1 % of the largest")
    _line(left, layers, "zeros", OTHER_IMAGE, "exactly 0")
    left.set(ylabel="share of the values", ylim=(0, 1.02))
    _line(right, layers, "likeness", OWN_IMAGE, "with its image")
    _line(right, layers, "chance", OTHER_IMAGE, "with another image")
    right.set(ylabel="size of a map's correlation", ylim=(0, None))
    for axis in (left, right):
        step = -(-len(layers) // NAMES)
        axis.set_xticks(range(0, len(layers), step), list(layers)[::step], rotation=60, ha="right", fontsize=8)
        axis.tick_params(axis="x", rotation=60)
        axis.legend(frameon=False)
        quiet(axis)
    return figure


def _line(axis: Axes, layers: Mapping[str, Mapping[str, Interval]], value: str, color: str, label: str) -> None:
    mean, low, high = np.array([own[value] for own in layers.values()]).T
    axis.fill_between(range(len(mean)), low, high, color=color, alpha=0.25, linewidth=0)
    axis.plot(mean, "o-", color=color, markersize=3.5, linewidth=1.3, label=label)


class Neighbours(NamedTuple):
    """The nearest images of some images in one space.

    Attributes:
        title: of the space.
        images: the nearest first.
        same: 1 for the class of the query, 0 for another, -1 where that is not known.
    """

    title: str
    images: Num[np.ndarray, "n k h w c"]
    same: Int[np.ndarray, "n k"]


def neighbours_figure(queries: Num[np.ndarray, "n h w c"], spaces: Sequence[Neighbours]) -> Figure:
    """A row for each image, and its neighbours in every space, framed green if they have its class and red if not."""
    grey = np.array([NO_CLASS] * len(queries))
    sheets = [("image", tiled(framed(enlarged(as_colours(queries), SIDE), grey), 1))]
    for space in spaces:
        near = space.images.reshape(-1, *space.images.shape[2:])
        colours = np.array([OTHER, SAME, NO_CLASS])[space.same.ravel()]
        sheets.append((space.title, tiled(framed(enlarged(as_colours(near), SIDE), colours), space.images.shape[1])))
    widths = [sheet.shape[1] for _, sheet in sheets]
    figure = Figure(figsize=(sum(widths) / 75 + 0.6, sheets[0][1].shape[0] / 75 + 0.5), layout="constrained")
    axes = figure.subplots(1, len(sheets), width_ratios=widths)
    for axis, (title, sheet) in zip(axes, sheets, strict=True):
        axis.imshow(sheet)
        axis.set_title(title, fontsize=10)
        bare(axis)
    return figure


def planes_figure(
    planes: Mapping[str, Float[np.ndarray, "n 2"]],
    images: Num[np.ndarray, "n h w c"],
    classes: Int[np.ndarray, "n"] | None,
    names: Sequence[str] = (),
) -> Figure:
    """Planes of features side by side: a point for every image, and the image itself where there is room.

    Args:
        planes: coordinates, by the title of the plane.
        images: in bytes.
        classes: of the images, which give the colours; none without.
        names: of the classes.
    """
    figure = Figure(figsize=(7.2 * len(planes), 7.4), layout="constrained")
    names = names if classes is not None else ()
    palette = np.array([NO_CLASS]) if classes is None else _palette(len(names))
    number = np.zeros(len(images), int) if classes is None else classes
    for axis, (title, points) in zip(np.atleast_1d(figure.subplots(1, len(planes))), planes.items(), strict=True):
        low, high = points.min(axis=0), points.max(axis=0)
        places = (points - low) / np.maximum(high - low, 1e-12)
        sheet = _sheet(places, framed(enlarged(as_colours(images), 26), palette[number], 2), palette[number])
        axis.imshow(sheet)
        axis.set_title(title, fontsize=11)
        bare(axis)
    for name, color in zip(names, palette, strict=False):
        axis.plot([], [], "s", color=color, label=name)
    if 0 < len(names) <= DISTINCT:
        figure.legend(loc="outside lower center", ncols=DISTINCT, frameon=False)
    return figure


def _palette(count: int) -> Float[np.ndarray, "n 3"]:
    """Colours of classes."""
    colours = (
        colormaps["tab10"](np.arange(DISTINCT)) if count <= DISTINCT else colormaps["turbo"](np.linspace(0, 1, count))
    )
    return colours[:, :3]


def _sheet(
    places: Float[np.ndarray, "n 2"],
    pictures: Float[np.ndarray, "n h w 3"],
    colours: Float[np.ndarray, "n 3"],
    side: int = 1000,
) -> Float[np.ndarray, "height width 3"]:
    """A sheet with a dot at every place, and pictures where they cover no other picture; y goes up."""
    height, width = pictures.shape[1:3]
    sheet, taken = np.ones((side + height, side + width, 3)), np.zeros((side + height, side + width), bool)
    tops, lefts = np.round(side * (1 - places[:, 1])).astype(int), np.round(side * places[:, 0]).astype(int)
    for top, left, colour in zip(tops + height // 2, lefts + width // 2, colours, strict=True):
        sheet[top - 3 : top + 3, left - 3 : left + 3] = colour
    for top, left, picture in zip(tops, lefts, pictures, strict=True):
        area = slice(top, top + height), slice(left, left + width)
        if not taken[area].any():
            sheet[area], taken[area] = picture, True
    return sheet


class Unit(NamedTuple):
    """A unit and what drives it.

    Attributes:
        number: of its channel.
        largest: its largest value.
        patches: of the images, as bytes; NaN where it sees nothing.
        beside: what of them drives it, around 0.
    """

    number: int
    largest: float
    patches: Float[np.ndarray, "k h w c"]
    beside: Float[np.ndarray, "k h w c"]


def patches_figure(units: Sequence[Unit], columns: int = 3) -> Figure:
    """For each unit its patches in rows of three, and the pictures of what drives it beside them."""
    sheets = [_of_unit(unit) for unit in units]
    columns = min(columns, len(units))
    rows = -(-len(units) // columns)
    height, width = sheets[0].shape[:2]
    size = (columns * (width / 95 + 0.2), rows * (height / 95 + 0.35))
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.1))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        bare(axis)
    for axis, unit, sheet in zip(axes, units, sheets, strict=False):
        axis.imshow(sheet)
        said = f"{unit.largest:.3g}" if unit.largest > 0 else "never active"
        axis.set_title(f"unit {unit.number}: {said}", fontsize=8, pad=3)
    return figure


def _of_unit(unit: Unit) -> Float[np.ndarray, "height width 3"]:
    beside = signed_colours(unit.beside)
    return np.concatenate([_mounted(own, 3) for own in (as_colours(unit.patches), beside)], axis=1)


def _mounted(pictures: Float[np.ndarray, "n h w 3"], columns: int) -> Float[np.ndarray, "height width 3"]:
    """Pictures in rows on a mount."""
    sheet = tiled(enlarged(pictures, SIDE), columns, paper=MOUNT)
    return framed(sheet[None], np.array([MOUNT]))[0]
