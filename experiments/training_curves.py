"""Training curves of finished runs, plain networks beside residual ones, as in chapter Fig. 33.

`python -m experiments.training_curves runs/resnet20-* runs/resnet20_noskip-* runs/resnet56-* runs/resnet56_noskip-*`
writes `results/training_curves/{curves.png,results.json,table.md}`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from src.config.errors import UserError, reported
from src.plots.curves import Curve, error_curves
from src.runs.directory import RunDirectory

RESULTS = Path("results/training_curves")


def main() -> None:
    """Reads the runs that the command line names, draws them, and writes a table beside the figure."""
    with reported():
        runs = [RunDirectory(Path(argument)) for argument in sys.argv[1:]]
        if not runs:
            raise UserError("name finished runs, like: python -m experiments.training_curves runs/resnet20-*")
        facts = [describe(run) for run in runs]
        RESULTS.mkdir(parents=True, exist_ok=True)
        panels: dict[str, list[Curve]] = {"plain": [], "residual": []}
        for run, fact in zip(runs, facts, strict=True):
            panels["plain" if fact["shortcut"] == "none" else "residual"].append(curve(run, fact["name"]))
        figure = error_curves({title: curves for title, curves in panels.items() if curves}, "validation")
        figure.savefig(RESULTS / "curves.png", dpi=160)
        (RESULTS / "results.json").write_text(json.dumps(facts, indent=2) + "\n")
        (RESULTS / "table.md").write_text(table(facts))
        print(f"{RESULTS}/curves.png\n\n{table(facts)}", end="")


def describe(run: RunDirectory) -> dict[str, Any]:
    """What the table says of a run, and where it came from."""
    config, results, provenance = run.read_config(), run.read_json("results.json"), run.read_json("provenance.json")
    wanted = ("test_accuracy", "test_accuracy_interval", "parameters", "steps", "seconds", "state_sha256")
    return {
        "name": run.path.name.rpartition("-")[0],
        "shortcut": config["model"].get("shortcut"),
        "profile": config.get("profile"),
        "precision": config["precision"],
        "seed": config["seed"],
        **{name: results[name] for name in wanted},
        **{name: provenance[name] for name in ("commit", "dirty", "device", "threads", "command")},
    }


def curve(run: RunDirectory, label: str) -> Curve:
    """The errors of a run in percent, on the way."""
    rows = [json.loads(line) for line in run.metrics.read_text().splitlines()]

    def series(name: str) -> tuple[list[int], list[float]]:
        points = [(row["step"], 100 * (1 - row[name])) for row in rows if name in row]
        return [step for step, _ in points], [error for _, error in points]

    return Curve(label, series("train_accuracy"), series("validation_accuracy"))


def table(facts: list[dict[str, Any]]) -> str:
    """One row for each run, in Markdown."""
    lines = ["| run | parameters | steps | test error | 95 % interval | seconds |", "|---|---|---|---|---|---|"]
    for fact in facts:
        low, high = (100 * (1 - share) for share in reversed(fact["test_accuracy_interval"]))
        error = 100 * (1 - fact["test_accuracy"])
        lines.append(
            f"| {fact['name']} | {fact['parameters']:,} | {fact['steps']:,} | {error:.1f} % "
            f"| {low:.1f} to {high:.1f} % | {fact['seconds']:.0f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
