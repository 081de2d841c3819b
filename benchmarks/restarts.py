"""What it costs to survive: an epoch with a checkpoint beside one without, and a resumed start beside a fresh one."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax

from benchmarks.engines import engine
from benchmarks.measure import ratio
from src.runs.directory import RunDirectory
from src.studies.timing import in_turn
from src.tracking.history import read_rows
from src.training.checkpoints import Checkpoints
from src.training.engine import Engine
from src.training.state import Snapshot

EPOCH = ("+experiment=resnet20", "data.validation=0", "debug.examples=5000")
START = (
    "+experiment=resnet20", "debug.examples=1000", "train.log_every=1steps", "tracking.progress=none",
    "checkpoint.every=2steps",
)  # fmt: skip


def epoch(run: Engine, checkpoints: Checkpoints | None) -> Callable[[], Any]:
    """An epoch of training; with a checkpoint, a copy of the state is made at its start and written meanwhile."""
    order = run.order(0)
    steps = run.plan.clock.epoch_examples // run.plan.clock.batch_size

    def work() -> None:
        state, sums = run.init_snapshot()
        if checkpoints is not None:
            checkpoints.save(Snapshot(state, sums))
        for stop in range(1, steps + 1):
            state, sums = run.advance(state, sums, order, stop)
        jax.block_until_ready(state)
        if checkpoints is not None:
            checkpoints.wait()

    return work


def seconds_to_a_step(directory: Path, resumed: int) -> float:
    """Seconds from the command to its first recorded step; the process is killed after a checkpoint.

    Args:
        directory: of the run.
        resumed: number of resumes, including this process.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *START, f"hydra.run.dir={directory}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not took_a_step(RunDirectory(directory), resumed):
        assert process.poll() is None, f"the run in {directory} ended before its first step"
        time.sleep(0.01)
    passed = time.perf_counter() - started
    while not list(directory.glob("checkpoints/*/manifest.json")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    return passed


def took_a_step(directory: RunDirectory, resumed: int) -> bool:
    """Whether the process that resumed the run for the given time has recorded a step."""
    if not directory.started():
        return False
    starts = directory.read_json("provenance.json")["resumed"]
    first = starts[-1]["step"] if starts else 0
    return len(starts) == resumed and any(row["step"] > first for row in read_rows(directory.metrics))


def measure(rounds: int) -> dict[str, Any]:
    """Throughput with checkpoints over throughput without, and the fresh start's time over the resumed one's."""
    run = engine(*EPOCH)
    starts: dict[str, list[float]] = {"resumed": [], "fresh": []}
    with TemporaryDirectory() as home:
        work = {"checkpoint": epoch(run, Checkpoints(Path(home) / "checkpoints", {}, keep=2)), "none": epoch(run, None)}
        epochs = in_turn(work, rounds=rounds)
        for number in range(rounds + 1):
            fresh, resumed = (seconds_to_a_step(Path(home) / f"run{number}", resumed) for resumed in range(2))
            if number:  # the first start compiles
                starts["fresh"].append(fresh)
                starts["resumed"].append(resumed)
    return {
        "ResNet-20, a checkpoint every epoch of 5,000 images": ratio(epochs, "checkpoint", "none"),
        "from the command to the first step, resumed beside fresh": ratio(starts, "resumed", "fresh"),
    }
