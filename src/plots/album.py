"""An album of what is seen inside a network: its figures and their page, drawn from arrays alone.

`sections(dict(np.load("arrays.npz")))` draws all figures again.
"""

import base64
import html
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from .inside import (
    Interval,
    Neighbours,
    Unit,
    depth_figure,
    filters_figure,
    maps_figure,
    neighbours_figure,
    patches_figure,
    planes_figure,
)

PARTS = Path(__file__).with_name("page")
DPI = 110
RULES = {
    "deconvnet": "sent back to the pixels by a deconvnet",
    "gradient": "by the gradient, for the network has other rectifiers than ReLU, or none, and a deconvnet needs ReLUs",
}
TITLES = {"features": "in feature space", "pixels": "in pixels"}


class Section(NamedTuple):
    """A part of the album.

    Attributes:
        title: its heading.
        words: what it shows, in a few sentences.
        figures: by the names of their files.
    """

    title: str
    words: str
    figures: dict[str, Figure]


def sections(arrays: Mapping[str, Any]) -> list[Section]:
    """All that the arrays hold."""
    makers = (_filters, _maps, _depth, _neighbours, _planes, _patches)
    return [section for section in (make(arrays) for make in makers) if section is not None]


def intervals(arrays: Mapping[str, Any]) -> dict[str, dict[str, Interval]]:
    """The means over images of what was measured of the maps, by layer and value."""
    values = ("zeros", "inactive", "likeness", "chance")
    return {
        str(layer): {value: interval(arrays[f"activity/{layer}/{value}"]) for value in values}
        for layer in arrays["layers/measured"]
    }


def interval(values: np.ndarray) -> Interval:
    """The mean of many values and its 95 % interval, by the normal distribution."""
    mean, error = float(values.mean()), np.nan
    if len(values) > 1:
        error = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Interval(mean, mean - error, mean + error)


def _filters(arrays: Mapping[str, Any]) -> Section | None:
    if "filters" not in arrays:
        return None
    count, height, width, channels = arrays["filters"].shape
    scale = "zero is grey" if channels == 3 else "blue is below zero, red above"
    words = f"The {count} filters of {height}x{width} that see the image, each on a scale of its own; {scale}."
    return Section("Filters of the first layer", words, {"filters": filters_figure(arrays["filters"])})


def _maps(arrays: Mapping[str, Any]) -> Section | None:
    layers = [str(layer) for layer in arrays["layers/drawn"]]
    if not layers:
        return None
    titles = {layer: f"{layer}   {'x'.join(map(str, arrays[f'shape/{layer}']))}" for layer in layers}
    figures = {
        f"maps_{number}": maps_figure(image, {layer: arrays[f"maps/{layer}"][number] for layer in layers}, titles)
        for number, image in enumerate(arrays["images"])
    }
    words = (
        "The first maps of some layers, from the first layer to the last, those of a layer on one scale. Black is 0; "
        "in layers with values below zero these are blue, and those above zero red."
    )
    return Section("Activation maps", words, figures)


def _depth(arrays: Mapping[str, Any]) -> Section | None:
    layers = intervals(arrays)
    if not layers:
        return None
    count = len(arrays[f"activity/{next(iter(layers))}/zeros"])
    words = (
        f"On the first {count} test images. Left: the share of a layer's values that are not active, for they are at "
        "most 1 % of its largest value for the image, and of those that a ReLU made 0. Right: the size of the "
        "correlation of a map, enlarged to the size of the image, with the brightness of the image, and with that of "
        "another image, which is what chance gives. Bands are 95 % intervals of the means."
    )
    return Section("What depth does to the maps", words, {"depth": depth_figure(layers)})


def _neighbours(arrays: Mapping[str, Any]) -> Section | None:
    if "neighbours/features/images" not in arrays:
        return None
    spaces = [
        Neighbours(title, arrays[f"neighbours/{space}/images"], arrays[f"neighbours/{space}/same"])
        for space, title in TITLES.items()
    ]
    words = f"The nearest test images by the features of the layer {arrays['features/layer']}, and by pixels."
    if (arrays["neighbours/features/same"] >= 0).all():
        words += " Green frames have the class of the image, red ones another."
    for space, title in TITLES.items():
        if f"neighbours/{space}/rate" in arrays:
            rate, low, high, count = arrays[f"neighbours/{space}/rate"]
            words += f" The nearest {title} has the same class for {rate:.1%} of {count:,.0f} test images"
            words += f" (95 % interval {low:.1%} to {high:.1%})."
    return Section("Nearest neighbours", words, {"neighbours": neighbours_figure(arrays["images"], spaces)})


def _planes(arrays: Mapping[str, Any]) -> Section | None:
    if "planes/principal" not in arrays:
        return None
    first, second = arrays["planes/shares"]
    titles = {
        f"principal components: {first:.0%} and {second:.0%} of the variance": arrays["planes/principal"],
        "t-SNE": arrays["planes/neighbours"],
    }
    names = [str(name) for name in arrays["class_names"]]
    figure = planes_figure(titles, arrays["planes/images"], arrays.get("planes/classes"), names)
    words = (
        f"{len(arrays['planes/images']):,} test images by the features of the layer {arrays['features/layer']}: a dot "
        "for each, and the image itself where there is room. Distances between groups mean little in t-SNE."
    )
    return Section("The space of features", words, {"planes": figure})


def _patches(arrays: Mapping[str, Any]) -> Section | None:
    figures = {}
    for layer in arrays["layers/drawn"]:
        largest = arrays[f"strongest/{layer}/values"][:, 0]
        units = [
            Unit(unit, float(largest[unit]), arrays[own], arrays[f"drivers/{layer}/{unit}"])
            for unit in range(len(largest))
            if (own := f"patches/{layer}/{unit}") in arrays
        ]
        if units:
            figures[f"patches_{layer}"] = patches_figure(units)
    if not figures:
        return None
    words = (
        "For the first units of some layers, the nine test images with the largest value in the map of the unit, and "
        "of each what this value depends on, its receptive field; blue is beyond the border of the image. Beside them "
        f"what drives the unit there, {RULES[str(arrays['drivers/rule'])]}; grey is no signal. The number above is the "
        "largest value of all."
    )
    return Section("Maximally activating patches", words, figures)


def album_page(title: str, facts: Mapping[str, str], parts: Sequence[Section]) -> str:
    """A page that needs no other file: the figures are inside.

    Args:
        title: its heading.
        facts: below the heading, by name.
        parts: its sections.
    """
    terms = "".join(f"<dt>{html.escape(name)}<dd>{html.escape(fact)}" for name, fact in facts.items())
    links = "".join(f'<a href="#part-{number}">{html.escape(part.title)}</a>' for number, part in enumerate(parts))
    values = {
        "title": html.escape(title),
        "facts": terms,
        "links": links,
        "parts": "".join(_part(number, part) for number, part in enumerate(parts)),
    }
    return re.sub("@(title|facts|links|parts)@", lambda mark: values[mark[1]], (PARTS / "album.html").read_text())


def _part(number: int, part: Section) -> str:
    pictures = "".join(
        f'<figure><img alt="{html.escape(name)}" src="data:image/png;base64,{_png(figure)}">'
        + (f"<figcaption>{html.escape(name.replace('_', ' ', 1))}</figcaption>" if len(part.figures) > 1 else "")
        + "</figure>"
        for name, figure in part.figures.items()
    )
    words = html.escape(part.words)
    return f'<section id="part-{number}"><h2>{html.escape(part.title)}</h2><p>{words}</p>{pictures}</section>'


def _png(figure: Figure) -> str:
    """The picture of a figure in base64."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, bbox_inches="tight")
    return base64.b64encode(file.getvalue()).decode()
