"""Costs of networks: from formulas, from the traced program, and measured times."""

from collections.abc import Mapping
from typing import NamedTuple

from ..models.summary import model_layers
from ..training.engine import Engine
from ..training.process import configure_jax
from .runs import StudyRun
from .timing import Ratio, in_turn, training_dispatch


class Costs(NamedTuple):
    """Sizes of a network, from the traced program.

    Attributes:
        parameters: number of trainable parameters.
        multiplications: for one image.
        field: side of the receptive field of the last convolution, in pixels.
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
    """Times of training steps relative to the first network, measured alternately, from the initial weights."""
    engines = {name: engine(run) for name, run in runs.items()}
    seconds = in_turn({name: training_dispatch(engine) for name, engine in engines.items()}, rounds=rounds)
    first = next(iter(seconds.values()))
    return {name: Ratio.of(found, first) for name, found in seconds.items()}


def engine(run: StudyRun) -> Engine:
    """The engine of a run."""
    configure_jax(run.settings)
    return Engine(run.settings)
