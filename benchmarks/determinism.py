"""A training step with `deterministic=true` beside one without, in processes that take turns."""

from typing import Any

import jax

from benchmarks.measure import ratio
from benchmarks.processes import step_seconds


def measure(rounds: int) -> dict[str, Any]:
    """How fast a step of each network is when it has to give the same bits every time."""
    if jax.default_backend() == "cpu":
        return {"skipped": "a CPU gives the same bits every time anyway"}
    figures = {}
    for depth in (20, 56):
        seconds: dict[str, list[float]] = {"deterministic": [], "any order": []}
        for _ in range(rounds):
            for name, value in (("deterministic", "true"), ("any order", "false")):
                seconds[name].append(step_seconds(f"+experiment=resnet{depth}", f"deterministic={value}"))
        figures[f"training step of ResNet-{depth}, batch 128"] = ratio(seconds, "deterministic", "any order")
    return figures
