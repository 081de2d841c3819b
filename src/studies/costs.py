"""What the networks of a study cost: by the formulas, by the traced program, and by the clock."""

from collections.abc import Mapping
from typing import NamedTuple

from ..models.summary import model_layers
from ..training.engine import Engine
from ..training.process import configure_jax
from .runs import StudyRun
from .timing import Ratio, in_turn, training_dispatch


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


def traced_costs(run: StudyRun) -> Costs:
    """Traces the network of a run; nothing is computed."""
    settings, spec = run.settings, run.settings.dataset().spec
    rows = model_layers(settings.model, spec.shape, settings.task.outputs(spec))
    fields = [row.field.size for row in rows if row.kind == "Conv" and row.field]
    return Costs(sum(row.parameters for row in rows), sum(row.multiplications for row in rows), max(fields[-1]))


def step_ratios(runs: Mapping[str, StudyRun], rounds: int) -> dict[str, Ratio]:
    """Training steps of networks, timed in turn, over those of the first one; from the weights that they begin with."""
    engines = {name: engine(run) for name, run in runs.items()}
    seconds = in_turn({name: training_dispatch(engine) for name, engine in engines.items()}, rounds=rounds)
    first = next(iter(seconds.values()))
    return {name: Ratio.of(found, first) for name, found in seconds.items()}


def engine(run: StudyRun) -> Engine:
    """What would train a run."""
    configure_jax(run.settings)
    return Engine(run.settings)
