"""A training step of ResNet-20 with huge pages beside one without, in processes that take turns."""

from typing import Any

from benchmarks.measure import ratio
from benchmarks.processes import step_seconds
from src.huge_pages import HUGE_PAGES, TUNABLES

ARGUMENTS = ("+experiment=resnet20", "debug.examples=2000", "data.batch_size=128")


def measure(rounds: int) -> dict[str, Any]:
    """How many times faster a step is with huge pages."""
    seconds: dict[str, list[float]] = {"huge pages": [], "small pages": []}
    for _ in range(rounds):
        for name, pages in (("huge pages", 1), ("small pages", 0)):
            seconds[name].append(step_seconds(*ARGUMENTS, environment={TUNABLES: f"{HUGE_PAGES}={pages}"}))
    return {"training step of ResNet-20, batch 128": ratio(seconds, "huge pages", "small pages")}
