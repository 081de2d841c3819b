"""ImageNet's challenge year by year (chapter Fig. 25)."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from .style import quiet

COLORS = ("#457b9d", "#e76f51", "#8d99ae", "#2a9d8f")


def winners_figure(names: Sequence[str], panels: Mapping[str, Sequence[float | None]]) -> Figure:
    """One row per entrant, and a panel of bars for each quantity; unknown values have no bar."""
    figure = Figure(figsize=(2.7 * len(panels) + 1.2, 0.5 * len(names) + 0.8), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    for axis, color, (title, values) in zip(axes, COLORS, panels.items(), strict=False):
        drawn = axis.barh(names, [value or 0 for value in values], color=color, height=0.66)
        axis.bar_label(drawn, [f"{value:.3g}" if value else "–" for value in values], padding=4, fontsize=10)
        axis.set_xlim(0, 1.2 * max(value or 0 for value in values))
        axis.set_title(title, fontsize=11)
        quiet(axis)
        axis.grid(visible=False)
        axis.set_xticks([])
        axis.spines["bottom"].set_visible(False)
        axis.tick_params(left=False)
    axes[0].invert_yaxis()
    return figure
