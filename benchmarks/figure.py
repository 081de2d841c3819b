"""How long the convolutions of a ResNet take: ours, XLA's, PyTorch's, and at the speed of a product of matrices."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from src.plots.style import quiet

COLORS = {"ours": "#2a9d8f", "torch": "#e76f51", "XLA": "#8d99ae"}
TITLES = {"ours": "ours", "torch": "PyTorch", "XLA": "XLA"}
LIMIT = "product"


def operations_figure(figures: Mapping[str, Any]) -> Figure:
    """A group of bars for each convolution.

    Args:
        figures: of `benchmarks.operations`.
    """
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for name, found in figures.items():
        seconds[name.partition(", beside ")[0]] |= found["median_seconds"]
    names, places = list(seconds), np.arange(len(seconds))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axis = figure.subplots()
    for number, (who, color) in enumerate(COLORS.items()):
        at, milliseconds = places + 0.27 * (number - 1), [1000 * seconds[name][who] for name in names]
        axis.bar(at, milliseconds, 0.25, color=color, label=TITLES[who])
        for place, value in zip(at, milliseconds, strict=True):  # at the foot, below the line across the bars
            axis.text(place, 0.02, f"{value:.1f}", transform=axis.get_xaxis_transform(), ha="center", color="white")
    limits = [1000 * seconds[name][LIMIT] for name in names]
    axis.hlines(limits, places - 0.42, places + 0.42, color="black", linewidth=1.2, label="a product of matrices")
    axis.set_xticks(places, [name.replace(", ", "\n") for name in names])
    axis.set_ylabel("milliseconds, 128 images")
    axis.legend(frameon=False)
    quiet(axis)
    axis.grid(visible=False, axis="x")
    return figure
