"""Training curves of finished runs, plain networks beside residual ones, as in chapter Fig. 33.

`python -m experiments.training_curves runs/resnet20-* runs/resnet20_noskip-* runs/resnet56-* runs/resnet56_noskip-*`
writes `training_curves/{curves.png,results.json,table.md}`.
"""

from pathlib import Path
from typing import Any

from src.config.errors import UserError, reported
from src.markdown import markdown
from src.plots.curves import Curve, error_curves
from src.runs.directory import RunDirectory
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.scores import error_curve
from src.tracking.history import read_rows

PANELS = {"none": "plain", None: "others"}
"""By the setting `model.shortcut`, which networks have that can be made without; with another one they are residual."""


def main() -> None:
    """Reads the runs that the command line names, draws them, and writes a table beside the figure."""
    with reported():
        runs = [RunDirectory(Path(argument)) for argument in arguments()]
        if not runs:
            raise UserError("name finished runs, like: python -m experiments.training_curves runs/resnet20-*")
        facts = [describe(run) for run in runs]
        names = [fact["name"] for fact in facts]
        panels: dict[str, list[Curve]] = {}
        for run, fact in zip(runs, facts, strict=True):
            label = fact["name"] if names.count(fact["name"]) == 1 else f"{fact['name']}, seed {fact['seed']}"
            panels.setdefault(PANELS.get(fact["shortcut"], "residual"), []).append(curve(run, label))
        figure = error_curves(panels, "validation")
        write_results("training_curves", facts, figures={"curves": figure}, table=table(facts))


def describe(run: RunDirectory) -> dict[str, Any]:
    """What the table says of a run, and where it came from."""
    config, results, provenance = run.read_config(), run.read_json("results.json"), run.read_json("provenance.json")
    wanted = ("test_accuracy", "test_accuracy_interval", "parameters", "steps", "seconds", "state_sha256")
    return {
        "name": run.path.name.rpartition("-")[0] or run.path.name,
        "shortcut": config["model"].get("shortcut"),
        "profile": config.get("profile"),
        "precision": config["precision"],
        "seed": config["seed"],
        **{name: results[name] for name in wanted},
        **{name: provenance[name] for name in ("commit", "dirty", "device", "threads", "command")},
    }


def curve(run: RunDirectory, label: str) -> Curve:
    """The errors of a run in percent, on the way."""
    rows = read_rows(run.metrics)
    return Curve(label, error_curve(rows, "train"), error_curve(rows, "validation"))


def table(facts: list[dict[str, Any]]) -> str:
    """One row for each run."""
    rows = [
        [
            fact["name"],
            f"{fact['parameters']:,}",
            f"{fact['steps']:,}",
            f"{100 * (1 - fact['test_accuracy']):.1f}",
            " to ".join(f"{100 * (1 - share):.1f}" for share in reversed(fact["test_accuracy_interval"])),
            f"{fact['seconds']:.0f}",
        ]
        for fact in facts
    ]
    return markdown(["run", "parameters", "steps", "test error %", "95 % interval", "seconds"], rows)


if __name__ == "__main__":
    main()
