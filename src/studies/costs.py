"""What the networks of a study cost: by the formulas, by the traced program, and by the clock."""

import statistics
from collections.abc import Mapping
from typing import NamedTuple

from flax import nnx

from src.models.summary import layers
from src.studies.runs import StudyRun
from src.studies.timing import in_turn, training_step
from src.training.engine import Engine
from src.training.plan import make_plan


class Costs(NamedTuple):
    """What a network comes to, read off the traced program.

    Attributes:
        parameters: that are trained.
        multiplications: for one image.
        field: side of what a value of the last convolution sees, in pixels.
    """

    parameters: int
    multiplications: int
    field: int


class Ratio(NamedTuple):
    """The time of a training step over that of another network.

    Attributes:
        median: over the rounds in which both were timed in turn.
        lowest: of them.
        highest: of them.
        n: number of rounds.
    """

    median: float
    lowest: float
    highest: float
    n: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


def traced_costs(run: StudyRun) -> Costs:
    """Traces the network of a run; nothing is computed."""
    settings, spec = run.settings, run.settings.dataset().spec
    outputs = settings.task.outputs(spec)
    rows = layers(lambda: settings.model.build(spec.shape, outputs, rngs=nnx.Rngs(0)), spec.shape)
    fields = [row.field.size for row in rows if row.kind == "Conv" and row.field]
    return Costs(sum(row.parameters for row in rows), sum(row.multiplications for row in rows), max(fields[-1]))


def step_ratios(runs: Mapping[str, StudyRun], rounds: int) -> dict[str, Ratio]:
    """Training steps of networks, timed in turn, over those of the first one; from the weights that they begin with."""
    engines = {name: engine(run) for name, run in runs.items()}
    seconds = in_turn({name: training_step(engine) for name, engine in engines.items()}, rounds=rounds)
    first = next(iter(seconds.values()))
    ratios = {name: [own / other for own, other in zip(found, first, strict=True)] for name, found in seconds.items()}
    return {name: Ratio(statistics.median(found), min(found), max(found), rounds) for name, found in ratios.items()}


def engine(run: StudyRun) -> Engine:
    """What would train a run."""
    dataset = run.settings.dataset()
    return Engine(run.settings, dataset, make_plan(run.settings, dataset.spec.train))
