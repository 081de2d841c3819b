"""Depth with and without shortcuts: by how much more it hurts plain networks than residual ones.

He et al. 2015 (arXiv:1512.03385), Figs 6 and 7 and Table 6; chapter Figs 33-34.

`python -m experiments.depth_study [profile=full]` trains what is not trained yet (`conf/study/depth_study.yaml` says
what) and writes `depth_study/STAGE/{table.md,results.json,errors.png,responses.png,gradients.png}`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field, model_validator

from src.config.errors import UserError
from src.data.batches import evaluation_batch
from src.interpret.signals import by_layer, kernel_gradients, response_stds
from src.plots.curves import Curve, error_curves
from src.plots.layers import gradients_by_layer, responses_by_layer
from src.studies.command import run_study
from src.studies.estimates import Estimate, estimate
from src.studies.results import markdown, write_results
from src.studies.runs import StudyRun
from src.studies.scores import error_curve, final_errors, first_run, guessing_error
from src.studies.settings import SeededStage
from src.studies.variants import LEARNING_RATE, Variant, finished_runs, records, tuned
from src.tasks.intervals import wilson_interval
from src.training.state import TrainState

KINDS = ("plain", "residual")
PUBLISHED = {"residual-20": 8.75, "residual-32": 7.51, "residual-44": 7.17, "residual-56": 6.97, "residual-110": 6.43}
"""Test errors in percent on CIFAR-10, He et al. 2015, Table 6; those of plain networks are only in a figure."""

TRAINED = 0.5
"""A run has trained if its last training error is below this part of the error of guessing."""

PROBED = 200
"""Images through which responses and gradients are measured."""


class DepthStage(SeededStage):
    """One size of the study.

    Attributes:
        residual: settings of a residual network; `{depth}` stands for its depth.
        plain: the same for a plain one.
        depths: of the networks.
        compared: the shallow and the deep network of the criterion.
        learning_rates: from which each network gets its best.
    """

    residual: list[str]
    plain: list[str]
    depths: list[int]
    compared: Annotated[list[int], Field(min_length=2, max_length=2)]
    learning_rates: list[float]

    @model_validator(mode="after")
    def _compares_what_there_is(self) -> "DepthStage":
        missing = [depth for depth in self.compared if depth not in self.depths]
        if missing:
            raise ValueError(f"compared names depth {missing[0]}, which is not among depths {self.depths}")
        return self

    def variant(self, kind: str, depth: int) -> Variant:
        """The network of a kind and depth, still without a learning rate."""
        own = self.residual if kind == "residual" else self.plain
        return Variant(f"{kind}-{depth}", (*self.common, *(text.format(depth=depth) for text in own)))


def main() -> None:
    """Trains, measures, and reports, stage by stage."""
    run_study("depth_study", DepthStage, report)


def report(name: str, stage: DepthStage) -> None:
    """One stage, from its runs to its files."""
    candidates = [stage.variant(kind, depth) for depth in stage.depths for kind in KINDS]
    variants = tuned(candidates, LEARNING_RATE, stage.learning_rates, stage.seeds[0])
    runs = finished_runs(variants, stage.seeds)
    networks = {variant.name: describe(variant, runs[variant.name]) for variant in variants if runs[variant.name]}
    layers = {name: layer_signals(own[min(own)]) for name, own in runs.items() if own}
    differences = {
        "train": difference_of_differences({name: training_errors(own) for name, own in runs.items()}, stage.compared),
        "test": difference_of_differences({name: final_errors(own) for name, own in runs.items()}, stage.compared),
    }
    table = f"{as_table(networks)}\n{criterion(differences, stage.compared)}"
    record = {
        "networks": networks,
        "difference_of_differences": {split: found._asdict() for split, found in differences.items()},
        "layers": layers,
        "runs": records(runs),
    }
    write_results(name, record, figures=figures(runs, layers), table=table)


def training_errors(runs: Mapping[int, StudyRun]) -> dict[int, float]:
    """Mean training errors over the last tenth of the steps, in percent, by seed."""
    found = {}
    for seed, run in runs.items():
        steps, own = error_curve(run.rows(), "train")
        late = [error for step, error in zip(steps, own, strict=True) if step > 0.9 * steps[-1]]
        found[seed] = sum(late) / len(late)
    return found


def describe(variant: Variant, runs: Mapping[int, StudyRun]) -> dict[str, Any]:
    """What the table says of a network."""
    errors = {"train": training_errors(runs), "test": final_errors(runs)}
    trained = sum(error < TRAINED * guessing_error(first_run(runs)) for error in errors["train"].values())
    return {
        "parameters": first_run(runs).results()["parameters"],
        "learning_rate": variant.value(LEARNING_RATE),
        "seeds": list(runs),
        "errors": errors,
        "train_error": estimate([*errors["train"].values()])._asdict(),
        "test_error": estimate([*errors["test"].values()])._asdict(),
        "trained": trained,
        "trained_interval": wilson_interval(trained, len(runs)),
        "published_test_error": PUBLISHED.get(variant.name),
    }


def difference_of_differences(errors: Mapping[str, Mapping[int, float]], compared: list[int]) -> Estimate:
    """(deep plain - shallow plain) - (deep residual - shallow residual) in error, seed by seed, in points of percent.

    Raises:
        UserError: no seed has all four networks.
    """
    shallow, deep = compared
    signs = {f"plain-{deep}": 1, f"plain-{shallow}": -1, f"residual-{deep}": -1, f"residual-{shallow}": 1}
    seeds = set.intersection(*(set(errors[name]) for name in signs))
    if not seeds:
        raise UserError(f"no seed has finished runs of {', '.join(signs)}")
    return estimate([sum(sign * errors[name][seed] for name, sign in signs.items()) for seed in seeds])


def layer_signals(run: StudyRun) -> dict[str, Any]:
    """Responses at the end, and gradients at the beginning and at every checkpoint, by layer."""
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
        "responses": response_stds(module, batch.images),
        "gradients": {int(state.step): norms(state) for state in (engine.init_state(), *finished.states())},
    }


def as_table(networks: Mapping[str, Mapping[str, Any]]) -> str:
    """The networks beside the paper's."""
    heading = [
        "network",
        "parameters",
        "learning rate",
        "n",
        "trained",
        "training error %",
        "test error %",
        "published (CIFAR-10) %",
    ]
    rows = [
        [
            name,
            f"{facts['parameters']:,}",
            facts["learning_rate"],
            len(facts["seeds"]),
            f"{facts['trained']} of {len(facts['seeds'])}",
            Estimate(**facts["train_error"]),
            Estimate(**facts["test_error"]),
            facts["published_test_error"] or "",
        ]
        for name, facts in networks.items()
    ]
    return markdown(heading, rows)


def criterion(differences: Mapping[str, Estimate], compared: list[int]) -> str:
    """The criterion in words."""
    shallow, deep = compared
    lines = [f"(plain-{deep} − plain-{shallow}) − (residual-{deep} − residual-{shallow}), points of percent:", ""]
    for split, found in differences.items():
        lines.append(f"- {split} error: {found.verdict}")
    return "\n".join(lines) + "\n"


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
    """The errors of a network on the way, averaged over the seeds where all of them were measured."""

    def mean(split: str) -> tuple[list[int], list[float]]:
        curves = [dict(zip(*error_curve(run.rows(), split), strict=True)) for run in runs.values()]
        steps = sorted(set.intersection(*map(set, curves)))
        return steps, [float(np.mean([curve[step] for curve in curves])) for step in steps]

    return Curve(name, mean("train"), mean("test"))


if __name__ == "__main__":
    main()
