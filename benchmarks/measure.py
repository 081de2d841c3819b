"""Ratios of alternating times, and their files."""

import platform
import statistics
from pathlib import Path
from typing import Any

import jax

from src.plain_json import dumps
from src.runs.provenance import commit, dirty
from src.studies.timing import Ratio

RESULTS = Path("results/benchmarks")
"""One folder per kind of device."""

NO_TORCH = {"skipped": "PyTorch is not installed: pip install torch"}
"""Result without PyTorch."""


def ratio(seconds: dict[str, list[float]], ours: str, peer: str) -> dict[str, Any]:
    """Our speed relative to a peer: median of the ratios by round, extremes, and n."""
    found = Ratio.of(seconds[peer], seconds[ours])
    return {
        "speed_ratio": found.median,
        "lowest": found.lowest,
        "highest": found.highest,
        "n": found.n,
        "median_seconds": {name: statistics.median(seconds[name]) for name in (ours, peer)},
    }


def write(name: str, figures: dict[str, Any]) -> None:
    """Writes the figures of one benchmark with their provenance."""
    directory = RESULTS / device_folder()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(dumps({"where": where(), "figures": figures}, indent=2) + "\n")


def device_folder() -> str:
    """The name of the folder for results of this kind of device."""
    return jax.devices()[0].device_kind.lower().replace(" ", "_")


def where() -> dict[str, Any]:
    """The machine and the commit of a measurement."""
    return {
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "machine": platform.machine(),
        "jax": jax.__version__,
        "commit": commit(),
        "dirty": dirty(),
    }
