"""The gradient by path length in a residual network (chapter Fig. 38)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import quiet


def gradient_by_length(
    counts: Sequence[int], norms: Float[np.ndarray, "runs lengths"], carrying: tuple[int, int], share: float
) -> Figure:
    """Three panels over the length of paths, as in Veit et al. 2016, Fig. 6.

    Args:
        counts: how many paths there are of each length.
        norms: the mean norm of the gradient along one of them, by run.
        carrying: the lengths that carry most of the gradient, shaded.
        share: how much they carry, from 0 to 1.
    """
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    number, single, total = figure.subplots(1, 3)
    lengths = np.arange(len(counts))
    paths = np.array(counts, np.float64)
    number.bar(lengths, paths, color="C0")
    number.set(title="(a) how many paths", ylabel="paths")
    carried = paths * norms / np.sum(paths * norms, axis=1, keepdims=True)
    for run in range(len(norms)):
        single.semilogy(lengths, norms[run], ".", color="C0", alpha=0.4)
        total.plot(lengths, 100 * carried[run], ".", color="C0", alpha=0.4)
    single.semilogy(lengths, norms.mean(axis=0), color="C0", linewidth=1.8)
    single.set(title="(b) gradient along one path", ylabel="norm at the image")
    total.plot(lengths, 100 * carried.mean(axis=0), color="C0", linewidth=1.8)
    total.set(title="(c) gradient along all of them", ylabel="share of the gradient (%)", ylim=(0, None))
    for axis in (number, single, total):
        axis.axvspan(carrying[0] - 0.5, carrying[1] + 0.5, color="C1", alpha=0.15, linewidth=0, zorder=0)
        axis.set(xlabel="path length (modules)", xlim=(-0.7, len(counts) - 0.3))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        quiet(axis)
    total.plot([], [], color="C1", alpha=0.3, linewidth=8, label=f"{100 * share:g} % of it")
    total.legend(frameon=False)
    return figure
