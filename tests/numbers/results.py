"""What the files of `results/` hold."""

import json
from functools import cache
from typing import Any

import numpy as np

from tests.conftest import ROOT

RESULTS = ROOT / "results"


@cache
def facts(name: str) -> Any:
    """Those of a study and its scale: `depth_study/digits`."""
    found = json.loads((RESULTS / name / "results.json").read_text())
    return found.get("facts", found) if isinstance(found, dict) else found


@cache
def figures(device: str, name: str) -> Any:
    """Those of a benchmark."""
    return json.loads((RESULTS / "benchmarks" / device / f"{name}.json").read_text())["figures"]


@cache
def values(name: str, network: str) -> dict[str, np.ndarray]:
    """The measurements of a surface."""
    with np.load(RESULTS / name / f"{network}.npz") as file:
        return {key.removeprefix("values/"): file[key] for key in file.files}


@cache
def table(name: str) -> dict[str, list[str]]:
    """The rows of a table as it was written, by their first cells."""
    lines = (RESULTS / name / "table.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


def spread(estimate: dict[str, float]) -> tuple[float, float]:
    """Mean and deviation."""
    return estimate["mean"], estimate["std"]


def interval(estimate: dict[str, float]) -> tuple[float, float]:
    """Its two ends."""
    return estimate["low"], estimate["high"]
