"""The class of every pixel of test images, and what a network says of it.

`python -m experiments.segmentation` trains on drawn shapes first, about a minute; `run=runs/segmentation_shapes-…`
takes a run as it is. It writes `segmentation/masks.png`, the table of the classes and the numbers.
"""

from dataclasses import dataclass
from pathlib import Path

from src.config.errors import UserError, reported
from src.plots.masks import mask_figure
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import by_name, table
from src.studies.runs import named_or_trained
from src.tasks.segmentation import MASK, Segmentation
from src.training.interruption import resumable
from src.training.settings import RunSettings

RECIPE = ("+experiment=segmentation_shapes",)
PICTURED = 8


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
            **{name: results[f"test_{name}"] for name in ("mean_iou", "median_iou", "accuracy")},
            "seconds": results["seconds"],
            "parameters": results["parameters"],
            "classes": by_name(rows),
        }
        columns = {"class": lambda row: row.name, "IoU, %": lambda row: "–" if row.iou is None else f"{row.iou:.1f}"}
        figure = mask_figure(images, test.targets[MASK][:PICTURED], found, spec.class_names)
        write_results("segmentation", facts, figures={"masks": figure}, table=table(columns, rows))
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
