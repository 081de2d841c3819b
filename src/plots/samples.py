"""Images used by each point of a sampled surface, and its errors against exact losses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..landscape.surface import Surface
from .style import quiet


class Checked(NamedTuple):
    """A surface from samples, and exact losses at some of its points.

    Attributes:
        surface: over a plane.
        split: that was measured.
        chosen: indices of the points with an exact loss.
        exact: these losses.
        exact_by: commits, devices and kernels that measured them.
    """

    surface: Surface
    split: str
    chosen: Int[np.ndarray, "k"]
    exact: Float64[np.ndarray, "k"]
    exact_by: Sequence[str] = ()

    def sampled(self, name: str) -> Float64[np.ndarray, "k"]:
        """The sampled values at the chosen points."""
        return self.surface.value(f"{self.split}_{name}").ravel()[self.chosen]

    def shares(self) -> Float64[np.ndarray, "n m"]:
        """The share of all images that was used at each point."""
        return self.surface.value(f"{self.split}_examples") / self.surface.metadata["examples"][self.split]


def samples(checked: Sequence[Checked]) -> Figure:
    """For each surface a map of the images used, and errors over their standard errors."""
    figure = Figure(figsize=(4.8 * len(checked) + 0.8, 8.2), layout="constrained")
    maps, clouds = figure.subplots(2, len(checked), squeeze=False)
    for axis, cloud, each in zip(maps, clouds, checked, strict=True):
        alpha, beta = each.surface.plane()
        shown = axis.pcolormesh(alpha, beta, each.shares().T, cmap="viridis", vmin=0, vmax=1, rasterized=True)
        axis.set(title=each.surface.title, xlabel="α", ylabel="β", aspect="equal")
        known = np.isfinite(each.exact) & np.isfinite(each.sampled("loss"))
        error, apart = (
            (values / each.exact)[known] for values in (each.sampled("loss_error"), each.sampled("loss") - each.exact)
        )
        wide = np.array([0, 1.1 * error.max(initial=1e-3)])
        cloud.fill_between(wide, -2 * wide, 2 * wide, color="0.92", label="two standard errors")
        cloud.plot(error, apart, ".", color="C0", markersize=5)
        cloud.set(xlabel="standard error, part of the loss", ylabel="deviation from all images", xlim=wide)
        cloud.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        cloud.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        quiet(cloud)
    figure.colorbar(shown, ax=list(maps), label="images measured", format=PercentFormatter(1), shrink=0.8)
    clouds[0].legend(frameon=False)
    return figure
