"""Ratios of what was timed in turn, and the files they are written to."""

import platform
import statistics
from pathlib import Path
from typing import Any

import jax

from src.plain_json import dumps
from src.runs.provenance import commit, dirty
from src.studies.timing import Ratio

RESULTS = Path("results/benchmarks")
"""Holds a folder for each kind of device."""

NO_TORCH = {"skipped": "PyTorch is not installed: pip install torch"}
"""In place of figures."""


def ratio(seconds: dict[str, list[float]], ours: str, peer: str) -> dict[str, Any]:
    """How fast ours is beside its peer: the median of the rounds' ratios, their extremes, and n."""
    found = Ratio.of(seconds[peer], seconds[ours])
    return {
        "speed_ratio": found.median,
        "lowest": found.lowest,
        "highest": found.highest,
        "n": found.n,
        "median_seconds": {name: statistics.median(seconds[name]) for name in (ours, peer)},
    }


def write(name: str, figures: dict[str, Any]) -> None:
    """Writes the figures of one benchmark with where they were measured."""
    directory = RESULTS / device_folder()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(dumps({"where": where(), "figures": figures}, indent=2) + "\n")


def device_folder() -> str:
    """The name of the folder for results of this kind of device."""
    return jax.devices()[0].device_kind.lower().replace(" ", "_")


def where() -> dict[str, Any]:
    """What something was measured on, and the commit of the code."""
    return {
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "machine": platform.machine(),
        "jax": jax.__version__,
        "commit": commit(),
        "dirty": dirty(),
    }
