"""A first start beside a second one, which finds its compiled programs in the cache."""

import os
import re
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure import ratio

PROGRAM = """
import sys, time, jax, numpy as np
jax.config.update("jax_compilation_cache_dir", sys.argv[1])
from benchmarks.engines import engine
run = engine("+experiment=resnet20", "debug.examples=500")
arguments = run.init_state(), run.zero_sums(), run.split("train"), run.order(0), np.int32(1)
traced = run.dispatch.lower(*arguments)
started = time.perf_counter()
traced.compile()
print("compiled in", time.perf_counter() - started)
"""


def compile_seconds(cache: str) -> float:
    """Seconds that a new process takes to compile the training step of ResNet-20."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, cache], capture_output=True, text=True, check=True, env={**os.environ}
    )
    return float(re.findall(r"compiled in (\S+)", done.stdout)[0])


def measure(rounds: int) -> dict[str, Any]:
    """How many times faster the second start compiles."""
    seconds: dict[str, list[float]] = {"second start": [], "first start": []}
    for _ in range(rounds):
        with TemporaryDirectory() as cache:
            seconds["first start"].append(compile_seconds(cache))
            seconds["second start"].append(compile_seconds(cache))
    return {"compiling the training step of ResNet-20": ratio(seconds, "second start", "first start")}
