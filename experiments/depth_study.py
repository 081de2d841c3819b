"""Depth with and without shortcuts: the increase of the error of plain networks against that of residual ones.

He et al. 2015 (arXiv:1512.03385), Figs 6 and 7 and Table 6; chapter Figs 33-34.

`python -m experiments.depth_study [scale=full]` trains what is not trained yet (`conf/study/depth_study.yaml` says
what) and writes `depth_study/SCALE/{table.md,results.json,errors.png,responses.png,gradients.png}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field, model_validator

from src.data.batches import evaluation_batch
from src.interpret.signals import by_layer, kernel_gradients, response_stds
from src.plots.curves import Curve, error_curves
from src.plots.layers import gradients_by_layer, responses_by_layer
from src.studies.command import run_study
from src.studies.comparison import Comparison
from src.studies.estimates import Estimate, contrasts, estimate, verdicts
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.studies.runs import StudyRun
from src.studies.scores import error_curve, final_errors, first_run, guessing_error
from src.studies.settings import SeededScale
from src.studies.variants import LEARNING_RATE, Variant
from src.tasks.intervals import wilson_interval
from src.training.state import TrainState

KINDS = ("plain", "residual")
PUBLISHED = {"residual-20": 8.75, "residual-32": 7.51, "residual-44": 7.17, "residual-56": 6.97, "residual-110": 6.43}
"""Test errors in percent on CIFAR-10, He et al. 2015, Table 6; those of plain networks are only in a figure."""

TRAINED = 0.5
"""A run has trained if its last training error is below this share of the error of guessing."""

PROBED = 200
"""Number of images for the measurement of responses and gradients."""


class DepthScale(SeededScale):
    """One size of the study.

    Attributes:
        residual: settings of a residual network; `{depth}` is replaced by its depth.
        plain: the same for a plain one.
        depths: of the networks.
        compared: the shallow and the deep network of the criterion.
        learning_rates: candidates; each network uses its best.
    """

    residual: list[str]
    plain: list[str]
    depths: list[int]
    compared: Annotated[list[int], Field(min_length=2, max_length=2)]
    learning_rates: list[float]

    @model_validator(mode="after")
    def _compares_what_there_is(self) -> "DepthScale":
        missing = [depth for depth in self.compared if depth not in self.depths]
        if missing:
            raise ValueError(f"compared names depth {missing[0]}, which is not among depths {self.depths}")
        return self

    def variant(self, kind: str, depth: int) -> Variant:
        """The network of a kind and depth, still without a learning rate."""
        own = self.residual if kind == "residual" else self.plain
        return Variant(f"{kind}-{depth}", (*self.common, *(text.format(depth=depth) for text in own)))

    def variants(self) -> list[Variant]:
        """All of them."""
        return [self.variant(kind, depth) for depth in self.depths for kind in KINDS]


@dataclass(frozen=True)
class Network:
    """Results of a network.

    Attributes:
        name: kind and depth.
        parameters: number of trainable parameters.
        learning_rate: the best one.
        seeds: of its finished runs.
        errors: in percent, by split and seed; those of training are means over the last tenth of the steps.
        train_error: their mean.
        test_error: their mean.
        trained: number of runs that have trained.
        trained_interval: 95 % interval of their share.
        published_test_error: on CIFAR-10, if published.
    """

    name: str
    parameters: int
    learning_rate: str
    seeds: list[int]
    errors: dict[str, dict[int, float]]
    train_error: Estimate
    test_error: Estimate
    trained: int
    trained_interval: tuple[float, float]
    published_test_error: float | None


COLUMNS: Columns[Network] = {
    "network": lambda row: row.name,
    "parameters": lambda row: f"{row.parameters:,}",
    "learning rate": lambda row: row.learning_rate,
    "n": lambda row: len(row.seeds),
    "trained": lambda row: f"{row.trained} of {len(row.seeds)}",
    "training error %": lambda row: row.train_error,
    "test error %": lambda row: row.test_error,
    "published (CIFAR-10) %": lambda row: row.published_test_error or "",
}


def main() -> None:
    """Trains, measures, and reports, scale by scale."""
    run_study("depth_study", DepthScale, report)


def report(name: str, scale: DepthScale) -> None:
    """One scale, from its runs to its files."""
    comparison = Comparison.tuned(scale.variants(), scale.learning_rates, scale.seeds)
    networks = [describe(variant, comparison) for variant in comparison.variants]
    differences = {
        split: difference_of_differences({row.name: row.errors[split] for row in networks}, scale.compared)
        for split in ("train", "test")
    }
    layers = {name: layer_signals(own[min(own)]) for name, own in comparison.runs.items()}
    facts = {
        "networks": by_name(networks),
        "difference_of_differences": differences,
        "layers": layers,
        "runs": comparison.records(),
    }
    pictures = figures(comparison.runs, layers)
    write_results(name, facts, figures=pictures, table=as_table(networks, differences, scale.compared))


def training_errors(runs: Mapping[int, StudyRun]) -> dict[int, float]:
    """Mean training errors over the last tenth of the steps, in percent, by seed."""
    found = {}
    for seed, run in runs.items():
        steps, own = error_curve(run.rows(), "train")
        late = [error for step, error in zip(steps, own, strict=True) if step > 0.9 * steps[-1]]
        found[seed] = sum(late) / len(late)
    return found


def describe(variant: Variant, comparison: Comparison) -> Network:
    """Results of a network."""
    runs = comparison.runs[variant.name]
    errors = {"train": training_errors(runs), "test": final_errors(runs)}
    trained = sum(error < TRAINED * guessing_error(first_run(runs)) for error in errors["train"].values())
    return Network(
        name=variant.name,
        parameters=first_run(runs).results()["parameters"],
        learning_rate=variant.value(LEARNING_RATE),
        seeds=list(runs),
        errors=errors,
        train_error=estimate([*errors["train"].values()]),
        test_error=estimate([*errors["test"].values()]),
        trained=trained,
        trained_interval=wilson_interval(trained, len(runs)),
        published_test_error=PUBLISHED.get(variant.name),
    )


def difference_of_differences(errors: Mapping[str, Mapping[int, float]], compared: list[int]) -> Estimate:
    """(deep plain - shallow plain) - (deep residual - shallow residual) in error by seed, in percentage points.

    Raises:
        UserError: no seed has all four networks.
    """
    shallow, deep = compared
    terms = [(1, f"plain-{deep}"), (-1, f"plain-{shallow}"), (-1, f"residual-{deep}"), (1, f"residual-{shallow}")]
    return estimate(contrasts(errors, terms))


def layer_signals(run: StudyRun) -> dict[str, Any]:
    """Responses of the final networks, and gradients at initialization and at every checkpoint, by layer."""
    finished = run.with_checkpoints()
    engine = finished.engine
    batch = evaluation_batch(engine.split("train"), 0, PROBED)
    module = finished.module
    gradients = engine.settings.parallel.place(
        partial(kernel_gradients, engine.network, engine.settings.task), engine.mesh
    )

    def norms(state: TrainState) -> dict[str, float]:
        return by_layer(gradients(state.parameters, state.batch_stats, batch), module)

    return {
        "responses": response_stds(module, batch.inputs),
        "gradients": {int(state.step): norms(state) for state in (engine.init_state(), *finished.states())},
    }


def as_table(networks: Sequence[Network], differences: Mapping[str, Estimate], compared: list[int]) -> str:
    """A table of the networks with the paper's errors, and the criterion as text."""
    shallow, deep = compared
    what = f"(plain-{deep} − plain-{shallow}) − (residual-{deep} − residual-{shallow}), points of percent:"
    found = verdicts({f"{split} error": difference for split, difference in differences.items()})
    return f"{table(COLUMNS, networks)}\n{what}\n\n{found}"


def figures(runs: Mapping[str, Mapping[int, StudyRun]], layers: Mapping[str, Any]) -> dict[str, Figure]:
    """The three figures."""
    curves = {kind: [mean_curve(name, runs[name]) for name in layers if name.startswith(kind)] for kind in KINDS}
    responses = {
        kind: {name: list(found["responses"].values()) for name, found in layers.items() if name.startswith(kind)}
        for kind in KINDS
    }
    gradients = {
        name: {f"step {step}": list(norms.values()) for step, norms in found["gradients"].items()}
        for name, found in layers.items()
    }
    return {
        "errors": error_curves(curves, "test"),
        "responses": responses_by_layer(responses),
        "gradients": gradients_by_layer(gradients),
    }


def mean_curve(name: str, runs: Mapping[int, StudyRun]) -> Curve:
    """Errors of a network over the steps, averaged over seeds where all of them have values."""

    def mean(split: str) -> tuple[list[int], list[float]]:
        curves = [dict(zip(*error_curve(run.rows(), split), strict=True)) for run in runs.values()]
        steps = sorted(set.intersection(*map(set, curves)))
        return steps, [float(np.mean([curve[step] for curve in curves])) for step in steps]

    return Curve(name, mean("train"), mean("test"))


if __name__ == "__main__":
    main()
