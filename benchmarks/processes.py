"""Times a training step in a new process, for options that hold for a whole process."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping

PROGRAM = """
import sys
from benchmarks.engines import engine, run_settings_of
from src.studies.timing import in_turn, training_dispatch
from src.training.process import configure_jax
configure_jax(run_settings_of(*sys.argv[1:]))
run = engine(*sys.argv[1:])
seconds = in_turn({"dispatch": training_dispatch(run)}, rounds=6)["dispatch"]
print("step", min(seconds) / run.steps_per_dispatch)
"""


def step_seconds(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Seconds of a training step, from the fastest of six dispatches in a new process.

    Args:
        arguments: a command line of `python -m src.train`.
        environment: additional environment variables.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    return float(re.findall(r"step (\S+)", done.stdout)[0])
