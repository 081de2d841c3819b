"""The class of every pixel of test images, and what a network says of it.

`python -m experiments.segmentation` trains on drawn shapes first, about a minute; `run=runs/segmentation_shapes-…`
takes a run as it is. It writes `segmentation/{masks,curves}.png`, the table of the classes and the numbers.
"""

from dataclasses import dataclass
from pathlib import Path

from src.config.errors import UserError, reported
from src.plots.curves import rising_curves
from src.plots.masks import mask_figure
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import by_name, table
from src.studies.runs import named_or_trained
from src.studies.scores import share_curve
from src.tasks.segmentation import MASK, Segmentation
from src.tracking.history import read_rows
from src.training.interruption import resumable
from src.training.settings import RunSettings

RECIPE = ("+experiment=segmentation_shapes",)
PICTURED = 8
MEASURES = {"mean_iou": "mean IoU", "accuracy": "right pixels"}


@dataclass(frozen=True)
class ClassScore:
    """How much of a class is found.

    Attributes:
        name: of the class.
        iou: intersection over union on the test split, in percent; None if the class is neither found nor there.
    """

    name: str
    iou: float | None


def main() -> None:
    """Draws the first test images of one run."""
    with reported(), resumable():
        run = named_or_trained(arguments(), RECIPE, check_segmentation)
        spec, results, test = run.engine.spec, run.directory.read_json("results.json"), run.engine.dataset.test
        shares = zip(spec.class_names, results["test_class_iou"], strict=True)
        rows = [ClassScore(name, None if share is None else 100 * share) for name, share in shares]
        images = test.inputs[:PICTURED]
        found = run.predict(images).argmax(-1)
        facts = {
            "run": run.directory.path.name,
            "data": spec.name,
            **{name: results[f"test_{name}"] for name in (*MEASURES, "frequency_weighted_iou", "median_iou")},
            "seconds": results["seconds"],
            "parameters": results["parameters"],
            "classes": by_name(rows),
        }
        columns = {"class": lambda row: row.name, "IoU, %": lambda row: "–" if row.iou is None else f"{row.iou:.1f}"}
        measured = read_rows(run.directory.metrics)
        curves = {title: share_curve(measured, f"validation_{name}") for name, title in MEASURES.items()}
        figures = {
            "masks": mask_figure(images, test.targets[MASK][:PICTURED], {"found": found}, spec.class_names),
            "curves": rising_curves(curves, "validation images"),
        }
        write_results("segmentation", facts, figures=figures, table=table(columns, rows))
        print(f"mean IoU {results['test_mean_iou']:.2%} with {results['parameters']:,} parameters")


def check_segmentation(settings: RunSettings, path: Path) -> None:
    """Refuses runs of other tasks.

    Raises:
        UserError: naming the task that is needed.
    """
    if not isinstance(settings.task, Segmentation):
        raise UserError(f"{path} has no class for every pixel; this figure needs task=segmentation")


if __name__ == "__main__":
    main()
