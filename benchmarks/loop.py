"""The training loop, with its records and its progress, beside the bare compiled step."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax

from benchmarks.engines import engine
from benchmarks.measure import ratio
from src.studies.timing import in_turn
from src.tracking.history import History
from src.training.engine import Engine
from src.training.loop import Loop

RUNS = {
    "digits, ResNet-20": ("train.duration=60steps", "eval.every=60steps", "data.validation=0"),
    "CIFAR-10 with crop and flip, ResNet-20": (
        "+experiment=resnet20", "data.validation=0", "debug.examples=5000", "train.duration=12steps",
        "eval.every=12steps", "train.log_every=4steps",
    ),
}  # fmt: skip


def whole_loop(run: Engine, directory: Path) -> Callable[[], Any]:
    """All steps of a plan by the training loop of `python -m src.train`, without evaluation."""

    def work() -> None:
        history = History(directory / "metrics.jsonl", directory / "metrics.csv", -1)
        state = Loop(run, run.init_snapshot(), sink=history).run()
        history.close()
        jax.block_until_ready(state)

    return work


def bare_steps(run: Engine) -> Callable[[], Any]:
    """Only the compiled steps: no records, no shuffling, no waiting."""
    orders = [run.order(epoch) for epoch in range(int(run.plan.epoch(run.plan.steps)) + 1)]

    def work() -> None:
        state, sums, start = run.init_state(), run.zero_sums(), 0
        for stop in run.plan.dispatch_boundaries(0, run.steps_per_dispatch):
            epoch = start * run.plan.clock.batch_size // run.plan.clock.epoch_examples
            state, sums = run.advance(state, sums, orders[epoch], stop)
            start = stop
        jax.block_until_ready(state)

    return work


def measure(rounds: int) -> dict[str, Any]:
    """Images per second of the loop relative to the bare step."""
    figures = {}
    with TemporaryDirectory() as directory:
        for name, arguments in RUNS.items():
            run = engine(*arguments)
            work = {"loop": whole_loop(run, Path(directory)), "bare step": bare_steps(run)}
            figures[name] = ratio(in_turn(work, rounds=rounds), "loop", "bare step")
    return figures
