"""A survey of a loss surface, with its file and its progress, beside the bare evaluation of as many networks."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engines import engine
from benchmarks.measure import ratio
from src.data.batches import DeviceDataset, filled_batch
from src.landscape.directions import gaussian
from src.landscape.evaluation import Measure, at_points
from src.landscape.grid_evaluation import evaluate_grid
from src.landscape.objective import split_objective
from src.landscape.surface import Surface
from src.studies.timing import in_turn
from src.training.engine import Engine

BATCH = 1000
AXES = [np.linspace(-1, 1, 3), np.linspace(-1, 1, 3)]
RUNS = {
    "digits, 360 images, ResNet-20, 9 points": (),
    "CIFAR-10, 1,000 images, ResNet-20, 9 points": ("+experiment=resnet20", "debug.examples=1000"),
}


def evaluate_surface(measure: Measure) -> Callable[[], Surface]:
    """A whole grid evaluation, with all points on disk."""

    def work() -> Surface:
        with tempfile.TemporaryDirectory() as directory:
            return evaluate_grid(measure, AXES, title="timed", identity={}, points=Path(directory) / "points.jsonl")

    return work


def bare_evaluations(run: Engine, data: DeviceDataset, count: int) -> Callable[[], Any]:
    """Equally many evaluations of the compiled network on all images, batch by batch, one number fetched for each."""
    state = run.init_state()
    task, network = run.settings.task, run.network
    size = min(BATCH, data.examples)

    @jax.jit
    def step(parameters: Any, batch_stats: Any, data: DeviceDataset, first: int) -> Any:
        batch = filled_batch(data, first, size)
        return task.sums(network(parameters, batch_stats, batch.inputs), batch, detailed=False)

    def work() -> None:
        for _ in range(count):
            parts = [step(*state.scored(), data, jnp.int32(first)) for first in range(0, data.examples, size)]
            jax.device_get(jax.tree.map(lambda *values: sum(values), *parts))

    return work


def measure(rounds: int) -> dict[str, Any]:
    """Points per second of a grid evaluation relative to the bare evaluation."""
    figures = {}
    for name, arguments in RUNS.items():
        run = engine(*arguments)
        data = run.split("test")
        module = run.network.module(run.init_state())
        held = jax.device_get(data)  # on the host as in studies; `at_points` moves it to the devices
        objective = split_objective(module, run.settings.task, {"test": held}, batch_size=BATCH, kernels=run.kernels)
        directions = [gaussian(jax.random.key(seed), objective.parameters) for seed in (0, 1)]
        work = {
            "survey": evaluate_surface(at_points(objective, directions)),
            "bare evaluation": bare_evaluations(run, data, AXES[0].size * AXES[1].size),
        }
        figures[name] = ratio(in_turn(work, rounds=rounds), "survey", "bare evaluation")
    return figures
