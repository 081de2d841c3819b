"""Whole recipes of He et al. 2015 on CIFAR-10: 64,000 steps of batches of 128, and a validation after every epoch.

Seconds are those of training with its validation. Runs are ordinary ones, which go on from their last checkpoint; as
many train at once as fill the device best, so that a run by itself may be faster. Final states are kept as float16.
"""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from benchmarks.gpu.rows import Place, Row
from benchmarks.gpu.states import read_state, write_state
from benchmarks.gpu.together import best, rates
from src.markdown import markdown
from src.plots.curves import Curve, error_curves
from src.studies.results import file_stem
from src.studies.runs import StudyRun, finish, planned
from src.studies.scores import error_curve
from src.training.interruption import resumable

REVISION = 1
STEPS = 64_000
AT_ONCE = "processes at once"
RECIPES = {
    "resnet20": ("+experiment=resnet20",),
    "resnet20 without shortcuts": ("+experiment=resnet20_noskip",),
    "resnet56": ("+experiment=resnet56",),
    "resnet56 without shortcuts": ("+experiment=resnet56_noskip",),
}
ROWS = {AT_ONCE: 35.0, "resnet20": 230.0, "resnet20 without shortcuts": 220.0, "resnet56": 600.0} | {
    "resnet56 without shortcuts": 570.0
}
GO_ON = frozenset(RECIPES)
POINTS = 200
"""Largest number of points of a curve."""


def measure(name: str, place: Place) -> dict[str, Any]:
    """Measures the best number of processes, or a whole recipe."""
    return at_once(place) if name == AT_ONCE else recipe("recipes", name, RECIPES[name], place)


def at_once(place: Place) -> dict[str, Any]:
    """Steps per second of one, two and four processes that train ResNet-20."""
    if place.scale == 1:
        found = rates((1, 2, 4), ("data=cifar10", "model.depth=20"), side=32, examples=50_000, seconds=4)
    else:
        tiny = ("data=cifar10", "model.depth=8", "data.batch_size=8")
        found = rates((1, 2), tiny, side=8, examples=4000, seconds=0.2)
    return {"steps_per_second": {str(count): rate for count, rate in found.items()}, "best": best(found)}


def recipe(part: str, name: str, arguments: tuple[str, ...], place: Place) -> dict[str, Any]:
    """Trains a run and returns its results; an interrupted run is resumed the next time."""
    rehearsed = () if place.scale == 1 else (
        "data=digits", "model.depth=8", "data.batch_size=8", f"debug.duration={round(STEPS * place.scale)}steps",
    )  # fmt: skip
    run = planned([*arguments, *rehearsed, "parallel.devices=1", f"hydra.run.dir={place.runs}/${{run_name:}}"])
    with resumable():
        finish([run])
    return outcome(run, place.results / part / f"{file_stem(name)}.npz")


def outcome(run: StudyRun, file: Any) -> dict[str, Any]:
    """Results of a finished run; its final state is written as float16, and evaluated again in this form."""
    finished, results = run.loaded(), run.results()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_state(file, finished.state)
    engine = finished.engine
    halves = engine.evaluate(engine.replicated(read_state(file, finished.state)), "test")
    low, high = results["test_accuracy_interval"]
    rows = run.rows()
    record = run.record()
    return {
        "precision": run.settings.precision.compute,
        "steps": results["steps"],
        "seconds": results["seconds"],
        "milliseconds_a_step": 1000 * results["seconds"] / results["steps"],
        "test_error": 1 - results["test_accuracy"],
        "interval": [1 - high, 1 - low],
        "test_error_of_float16": 1 - halves["accuracy"],
        "state_sha256": results["state_sha256"],
        "commit": record["commit"],
        "resumed": record["resumed"],
        "curves": {split: thinned(error_curve(rows, split)) for split in ("train", "validation")},
    }


def thinned(curve: tuple[list[int], list[float]]) -> list[list[float]]:
    """Steps and errors in percent at some of the steps of a curve, its last one among them."""
    every = -(-len(curve[0]) // POINTS)
    steps, errors = (values[::-1][::every][::-1] for values in curve)
    return [[float(step) for step in steps], [round(error, 3) for error in errors]]


def runs_at_once(place: Place, part_of: Row) -> int:
    """The number of runs to train at once: the measured one, or else one."""
    record = place.record(part_of)
    return int(record["figures"]["best"]) if record and "figures" in record else 1


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """One row for each recipe, and a line on processes at once."""
    lines = [
        [
            name,
            own["precision"],
            own["at_once"],
            f"{own['steps']:,}",
            f"{own['seconds']:,.0f}",
            f"{own['milliseconds_a_step']:.2f}",
            f"{100 * own['test_error']:.2f}",
            " to ".join(f"{100 * end:.2f}" for end in own["interval"]),
            f"{100 * own['test_error_of_float16']:.2f}",
        ]
        for name, own in found.items()
        if "test_error" in own
    ]
    heads = [
        "recipe",
        "precision",
        "at once",
        "steps",
        "seconds",
        "ms a step",
        "test error %",
        "95 % interval",
        "as float16 %",
    ]
    text = markdown(heads, lines) if lines else ""
    if AT_ONCE in found:
        each = found[AT_ONCE]["steps_per_second"].items()
        words = ", ".join(f"{rate:,.0f} of {count}" for count, rate in each)
        text += f"\nResNet-20's steps a second by the number of processes: {words}; trained at once: "
        text += f"{found[AT_ONCE]['best']}.\n"
    return text


def figure(found: Mapping[str, Mapping[str, Any]]) -> Figure | None:
    """Error curves of all recipes; None if there are none."""
    panels: dict[str, list[Curve]] = {}
    for name, own in found.items():
        if "curves" in own:
            curves = [([int(step) for step in steps], errors) for steps, errors in own["curves"].values()]
            plain = "without" in name
            panels.setdefault("plain" if plain else "residual", []).append(Curve(name, *curves))
    return error_curves(panels, "validation") if panels else None
