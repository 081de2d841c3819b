"""A training step of ResNet-20 with huge pages beside one without, in processes that take turns."""

import os
import re
import subprocess
import sys
from typing import Any

from benchmarks.measure import ratio
from src.huge_pages import HUGE_PAGES, TUNABLES

PROGRAM = """
from benchmarks.engines import engine
from benchmarks.steps import BATCH
from src.studies.timing import in_turn, training_step
run = engine("+experiment=resnet20", "debug.examples=2000", f"data.batch_size={BATCH}")
print("step", min(in_turn({"step": training_step(run)}, rounds=6)["step"]))
"""


def step_seconds(pages: int) -> float:
    """Seconds of the fastest of six steps in a new process."""
    environment = {**os.environ, TUNABLES: f"{HUGE_PAGES}={pages}"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    return float(re.findall(r"step (\S+)", done.stdout)[0])


def measure(rounds: int) -> dict[str, Any]:
    """How many times faster a step is with huge pages."""
    seconds: dict[str, list[float]] = {"huge pages": [], "small pages": []}
    for _ in range(rounds):
        seconds["huge pages"].append(step_seconds(1))
        seconds["small pages"].append(step_seconds(0))
    return {"training step of ResNet-20, batch 128": ratio(seconds, "huge pages", "small pages")}
