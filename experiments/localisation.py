"""What a network says test images show, and where: chapter Fig. 58.

`python -m experiments.localisation` trains on drawn shapes first, a few minutes; `run=runs/localisation_shapes-…` takes
a run as it is. It writes `localisation/{boxes,curves}.png`, the table of the classes and the numbers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Integer

from src.config.errors import UserError, reported
from src.data.boxes import BOX, BOX_LABEL, BOX_PRESENT
from src.data.examples import Split
from src.detection.boxes import in_pixels, ious
from src.plots.curves import rising_curves
from src.plots.localised import box_figure
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import by_name, table
from src.studies.runs import named_or_trained
from src.studies.scores import share_curve
from src.tasks.localisation import CLASS, ENOUGH, Localisation
from src.tracking.history import read_rows
from src.training.interruption import resumable
from src.training.settings import RunSettings

RECIPE = ("+experiment=localisation_shapes",)
PICTURED = 12
MEASURES = {"accuracy": "right class", "mean_iou": "mean overlap", "localised": "localised"}


@dataclass(frozen=True)
class ClassScore:
    """How well the objects of a class are localised on the test split.

    Attributes:
        name: of the class.
        objects: how many there are.
        accuracy: share with the right class, in percent.
        mean_iou: mean overlap of the boxes, in percent.
        localised: share with the right class and enough overlap, in percent.
    """

    name: str
    objects: int
    accuracy: float
    mean_iou: float
    localised: float


def main() -> None:
    """Measures and draws what one run says of its test images."""
    with reported(), resumable():
        run = named_or_trained(arguments(), RECIPE, check_localisation)
        names, test = run.engine.spec.class_names, run.engine.dataset.test
        results = run.directory.read_json("results.json")
        labels, boxes = objects(test)
        said = run.predict(test.inputs)
        found = np.asarray(in_pixels(said[BOX], test.inputs.shape[1:3]))
        overlap, right = np.asarray(ious(boxes, found)), said[CLASS].argmax(axis=-1) == labels
        rows = [scored(name, labels == label, right, overlap) for label, name in enumerate(names) if label in labels]
        facts = {
            "run": run.directory.path.name,
            "data": run.engine.spec.name,
            **{name: results[f"test_{name}"] for name in (*MEASURES, "median_iou", "localised_interval")},
            "seconds": results["seconds"],
            "parameters": results["parameters"],
            "classes": by_name(rows),
        }
        titles = [
            f"{names[own]}{'' if good else f', is {names[label]}'}, {100 * share:.0f} %"
            for own, good, label, share in zip(said[CLASS].argmax(-1), right, labels, overlap, strict=True)
        ]
        measured = read_rows(run.directory.metrics)
        curves = {title: share_curve(measured, f"validation_{name}") for name, title in MEASURES.items()}
        figures = {
            "boxes": box_figure(test.inputs[:PICTURED], boxes[:PICTURED], found[:PICTURED], titles[:PICTURED]),
            "curves": rising_curves(curves, "validation images"),
        }
        write_results("localisation", facts, figures=figures, table=table(COLUMNS, rows))
        print(f"localised {results['test_localised']:.2%}, mean IoU {results['test_mean_iou']:.2%}")


COLUMNS = {
    "class": lambda row: row.name,
    "objects": lambda row: row.objects,
    "right class, %": lambda row: f"{row.accuracy:.1f}",
    "mean IoU, %": lambda row: f"{row.mean_iou:.1f}",
    "both, %": lambda row: f"{row.localised:.1f}",
}


def objects(split: Split) -> tuple[Integer[np.ndarray, "n"], Float[np.ndarray, "n 4"]]:
    """The class and the box of the one object of each image."""
    targets = split.targets
    images, place = np.arange(len(split)), targets[BOX_PRESENT].argmax(axis=1)
    return targets[BOX_LABEL][images, place], targets[BOX][images, place].astype(np.float32)


def scored(name: str, own: np.ndarray, right: np.ndarray, overlap: np.ndarray) -> ClassScore:
    """The objects of one class."""
    both = right & (overlap > ENOUGH)
    shares = (100 * float(each[own].mean()) for each in (right, overlap, both))
    return ClassScore(name, int(own.sum()), *shares)


def check_localisation(settings: RunSettings, path: Path) -> None:
    """Refuses runs of other tasks.

    Raises:
        UserError: naming the task that is needed.
    """
    if not isinstance(settings.task, Localisation):
        raise UserError(f"{path} says no box; this figure needs task=localisation")


if __name__ == "__main__":
    main()
