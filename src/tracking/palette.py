"""Colours of classes."""

import colorsys

import numpy as np
from jaxtyping import UInt8

COLORS = ("#1b1b1e", "#e07a5f", "#81b29a", "#f2cc8f", "#3d7ea6", "#8e6c8a", "#d9d9d9", "#c1121f")
"""Of the first classes in their order; the first one often is the background."""

OBJECTS = ("#e07a5f", "#3d7ea6", "#81b29a", "#f2cc8f", "#8e6c8a", "#c1121f", "#2a9d8f", "#f4a261")
"""Of classes of objects in their order, none of which is a background."""

GOLDEN = 0.618034
"""Turns of the hue by this part of its circle never come back, and stay far from each other."""


def class_colors(classes: int) -> UInt8[np.ndarray, "classes 3"]:
    """Red, green and blue of each class; those beyond the first are of hues that are far apart."""
    own = [tuple(bytes.fromhex(color[1:])) for color in COLORS[:classes]]
    further = [colorsys.hsv_to_rgb(GOLDEN * number % 1, 0.75, 0.6 + 0.4 * (number % 2)) for number in range(classes)]
    return np.array([*own, *(tuple(round(255 * part) for part in color) for color in further[len(own) :])], np.uint8)
