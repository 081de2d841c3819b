"""Measures everything: `make bench`, or `python -m benchmarks.run steps loop` for some of it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from benchmarks import (
    attack_strength,
    attacks,
    attribution,
    channels,
    detection,
    determinism,
    dreaming,
    huge_pages,
    layers,
    loop,
    networks,
    operations,
    pooling,
    published,
    restarts,
    starts,
    steps,
    surface_points,
    surfaces,
    transfer,
    utilization,
)
from benchmarks.figure import operations_figure
from benchmarks.measure import RESULTS, device_folder, write
from src.config.errors import UserError, did_you_mean, reported
from src.markdown import markdown


def ratios(figures: dict[str, Any]) -> str:
    """A table of speeds relative to peers."""
    rows = []
    for name, figure in figures.items():
        seconds = ", ".join(f"{who} {value:.3g}" for who, value in figure["median_seconds"].items())
        spread = f"{figure['lowest']:.2f} to {figure['highest']:.2f}"
        rows.append([name, f"**{figure['speed_ratio']:.2f}**", spread, figure["n"], seconds])
    return markdown(["what", "ratio", "lowest to highest", "n", "median seconds"], rows)


class Benchmark(NamedTuple):
    """A benchmark: its module, the number of rounds, and its table."""

    module: ModuleType
    rounds: int
    table: Callable[[dict[str, Any]], str] = ratios
    figure: Callable[[dict[str, Any]], Figure] | None = None


BENCHMARKS = {
    "loop": Benchmark(loop, 7),
    "steps": Benchmark(steps, 9),
    "networks": Benchmark(networks, 9),
    "utilization": Benchmark(utilization, 9, utilization.table),
    "operations": Benchmark(operations, 25, figure=operations_figure),
    "pooling": Benchmark(pooling, 15),
    "layers": Benchmark(layers, 7),
    "channels": Benchmark(channels, 15),
    "starts": Benchmark(starts, 3),
    "huge_pages": Benchmark(huge_pages, 3),
    "restarts": Benchmark(restarts, 5),
    "determinism": Benchmark(determinism, 3),
    "surfaces": Benchmark(surfaces, 7),
    "surface_points": Benchmark(surface_points, 5, surface_points.table),
    "transfer": Benchmark(transfer, 7),
    "attribution": Benchmark(attribution, 5),
    "attacks": Benchmark(attacks, 5),
    "attack_strength": Benchmark(attack_strength, 1, attack_strength.table),
    "detection": Benchmark(detection, 7),
    "dreaming": Benchmark(dreaming, 5),
    "published": Benchmark(published, 1, published.table),
}
PAGE = "docs/performance.md"
HEADER = """# Performance

Each ratio is of two pieces of work that took turns on the same machine: ours in speed, over the speed of its
peer, so that above 1 ours is faster. Given are the median of the rounds' ratios, the lowest and the highest, and the
number of rounds. `make bench` writes this page and `results/benchmarks/DEVICE/*.json`.
"""
LIMIT = """## What limits the CPU

Kernels of our own (`src/operations`) take windows of 3x3 in single steps by Winograd's F(2x2, 3x3), sixteen products
where the definition has thirty-six, and a residual block as one: normalization, ReLU and addition happen while values
are in registers or in the cache, and the next images are fetched meanwhile. So gradients of all three shapes above come
sooner than a product of matrices does the arithmetic of their definition. Steps of two pixels and windows of 1x1 have
neither gain. Groups of few channels are computed several at once, so that vectors are full; depthwise convolutions
have loops of their own, and so do largest values and means of windows. Pools of fewer than 16 channels, and 1x1 windows
over 512 channels and more, are XLA's.

Tried without gain, for XLA: kernel gradients as sums of shifted matrix products; its oneDNN and XNNPACK, its older
emitters, its other schedulers, wider vectors. Huge pages did help, and so did doing without YNNPACK
(`src/__init__.py`). For our kernels: more or fewer tiles at a time, bands of rows for 1x1 windows; pools of some
channels at a time, and the place of a maximum sought again for its gradient; products with the Hessian, which
gain little since their tangents are XLA's operations.

## What limits a GPU

An H100 in bfloat16 takes several times as long for a convolution of 16 filters as for one of 64 filters, which has
the same arithmetic, and half of the time of ResNet-56's evaluation went there. Laid out for four pixels side by side
(`src/operations/gpu_convolution.py`) such a layer is faster. Layers whose normalization is folded into the filters, and
those of 32 filters, would gain as well; that is not done.

PyTorch's eager loop above is faster with batches of 500 than with the 1,000 of the table, but still several times
slower than ours in bfloat16.

Most of a training step of ResNet-56 goes into hundreds of kernels, most of which are too small for the device.
"""


def main() -> None:
    """Runs the benchmarks of the command line, or all, and rewrites the page."""
    with reported():
        for name in sys.argv[1:] or BENCHMARKS:
            if name not in BENCHMARKS:
                raise UserError(f"there is no benchmark '{name}'{did_you_mean(name, BENCHMARKS)}")
            benchmark = BENCHMARKS[name]
            figures = benchmark.module.measure(benchmark.rounds)
            write(name, figures)
            if benchmark.figure and "skipped" not in figures:
                benchmark.figure(figures).savefig(RESULTS / device_folder() / f"{name}.png", dpi=150)
        with open(PAGE, "w") as page:
            page.write(as_page())
        print(as_page())


def as_page() -> str:
    """All results so far as one page."""
    parts = [HEADER]
    for name, benchmark in BENCHMARKS.items():
        files = sorted(RESULTS.glob(f"*/{name}.json"))
        if files:
            heading = f"## {(benchmark.module.__doc__ or name).strip()}\n"
            parts += [heading, *(_of_device(benchmark, file) for file in files)]
    return "\n".join([*parts, LIMIT])


def _of_device(benchmark: Benchmark, file: Path) -> str:
    """The section of one kind of device."""
    measured = json.loads(file.read_text())
    where, figures = measured["where"], measured["figures"]
    if "skipped" in figures:
        return f"{where['device']}: not measured, {figures['skipped']}.\n"
    changed = " with changes" if where["dirty"] else ""
    commit = (where["commit"] or "none")[:10] + changed
    place = f"{where['device']}, {where['machine']}, JAX {where['jax']}, commit {commit}"
    picture = file.with_suffix(".png")
    shown = [f"![{picture.stem} on {where['device']}](../{picture})", ""] if picture.exists() else []
    return "\n".join([f"{place}.", "", *shown, benchmark.table(figures)])


if __name__ == "__main__":
    main()
