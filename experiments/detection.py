"""What a network finds in test images, how sure it is, and what it misses.

`python -m experiments.detection` trains on drawn shapes first, a few minutes; `run=runs/detection_shapes-…` takes a run
as it is. It writes curves of precision over recall, the confusion matrix, pictures of right, false and missed
detections and of the images with the largest loss, the table of the classes and the numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from src.config.errors import UserError, reported
from src.data.batches import Batch
from src.detection.boxes import in_pixels
from src.detection.matching import IGNORED, Truth, matched
from src.detection.precision import ELEVEN, average_precision, mean_average_precision
from src.detection.suppression import Detections
from src.plots.detections import (
    FALSE,
    MISSED,
    RIGHT,
    Mark,
    Scene,
    confusion_figure,
    precision_figure,
    scenes_figure,
)
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import by_name, table
from src.studies.runs import named_or_trained
from src.tasks.detection import Detection, gathered
from src.training.batched import in_batches
from src.training.interruption import resumable
from src.training.load_run import LoadedRun
from src.training.settings import RunSettings

RECIPE = ("+experiment=detection_shapes",)
PICTURED = 7
THRESHOLDS = ("match", "suppression", "least_score", "sure")


@dataclass(frozen=True)
class ClassScore:
    """How well a class is found on the test split.

    Attributes:
        name: of the class.
        objects: how many there are.
        ap: average precision, in percent.
        ap_11_points: the same of the mean at eleven recalls.
        found: share of the objects that are found by a detection that is sure, in percent.
        right: share of the sure detections that are right, in percent.
    """

    name: str
    objects: int
    ap: float
    ap_11_points: float
    found: float
    right: float


@dataclass(frozen=True)
class Tested:
    """The test split and what was found there.

    Attributes:
        values: as the task gathers them, and the loss of each image.
        found: the detections.
        truth: what is there.
        matches: which is which, for detections that are sure.
    """

    values: dict[str, Any]
    found: Detections
    truth: Truth
    matches: Int[np.ndarray, "n d"]


def main() -> None:
    """Measures and draws what one run finds in its test images."""
    with reported(), resumable():
        run = named_or_trained(arguments(), RECIPE, check_detection)
        task, names = run.engine.settings.task, run.engine.spec.class_names
        results = run.directory.read_json("results.json")
        assert isinstance(task, Detection)
        own = tested(run, task)
        curves = {name: curve for name, curve in zip(names, task.curves(own.values), strict=True) if curve is not None}
        rows = class_scores(own, task, names)
        facts = {
            "run": run.directory.path.name,
            "data": run.engine.spec.name,
            **{name: getattr(task, name) for name in THRESHOLDS},
            "mean_ap": mean_average_precision([*curves.values()]),
            "mean_ap_11_points": mean_average_precision([*curves.values()], ELEVEN),
            **{name: results[name] for name in ("seconds", "parameters")},
            "confusion": task.confusion(own.values),
            "classes": by_name(rows),
        }
        figures = {
            "precision_recall": precision_figure(
                curves, {row.name: row.ap for row in rows}, f"overlap above {task.match:g}"
            ),
            "confusion": confusion_of(
                facts["confusion"], names, f"score above {task.sure:g}, overlap above {task.match:g}"
            ),
            "found": scenes_figure(examples(run, own)),
            "largest_losses": scenes_figure({"": worst(run, own)}),
        }
        write_results("detection", facts, figures=figures, table=class_table(rows))
        words = ", ".join(f"{name} {getattr(task, name):g}" for name in THRESHOLDS)
        both = f"{facts['mean_ap']:.2%} ({facts['mean_ap_11_points']:.2%} at eleven recalls)"
        print(f"mean AP {both}; thresholds: {words}")


def tested(run: LoadedRun, task: Detection) -> Tested:
    """Runs the network over the test split once."""
    engine, test = run.engine, run.engine.dataset.test
    state = run.state.scored()

    @jax.jit
    def measured(examples: tuple[Any, Any]) -> dict[str, Any]:
        inputs, targets = examples
        batch = Batch(engine.preprocessing.normalized(inputs), targets, jnp.ones(len(inputs)))
        outputs = engine.network(*state, batch.inputs)
        return {**task.found(outputs, batch), "loss": task.losses(outputs, batch)}

    targets = {name: test.targets[name] for name in task.read_of(test.targets)}
    values = in_batches(measured, (test.inputs, targets), engine.settings.eval.batch_size)
    found, truth = gathered(values)
    sure = found._replace(score=np.where(found.score > task.sure, found.score, 0))
    return Tested(values, sure, truth, matched(sure, truth, task.match))


def class_scores(own: Tested, task: Detection, names: Sequence[str]) -> list[ClassScore]:
    """A row for each class of which there is something to be found."""
    counts, rows = own.truth.counts(len(names)), []
    for label, (name, curve) in enumerate(zip(names, task.curves(own.values), strict=True)):
        if curve is not None:
            matches = own.matches[(own.found.label == label) & (own.matches > IGNORED)]
            hits = int((matches >= 0).sum())
            both = 100 * average_precision(curve), 100 * average_precision(curve, ELEVEN)
            shares = 100 * hits / int(counts[label]), 100 * hits / max(len(matches), 1)
            rows.append(ClassScore(name, int(counts[label]), *both, *shares))
    return rows


def class_table(rows: Sequence[ClassScore]) -> str:
    """A row for each class."""
    columns = {
        "class": lambda row: row.name,
        "objects": lambda row: f"{row.objects:,}",
        "AP, %": lambda row: f"{row.ap:.1f}",
        "11 points": lambda row: f"{row.ap_11_points:.1f}",
        "found, %": lambda row: f"{row.found:.1f}",
        "right, %": lambda row: f"{row.right:.1f}",
    }
    return table(columns, rows)


def confusion_of(counted: list[list[int]], names: Sequence[str], title: str) -> Any:
    """The picture of a confusion matrix, without classes that are neither there nor found."""
    whole = np.array(counted)
    some = np.append((whole.sum(0) + whole.sum(1))[:-1] > 0, True)
    own = [name for name, there in zip(names, some[:-1], strict=True) if there]
    return confusion_figure(whole[some][:, some], own, title)


def marks(run: LoadedRun, own: Tested, image: int) -> list[Mark]:
    """The detections and the missed objects of an image."""
    names, shape = run.engine.spec.class_names, run.engine.spec.shape[:2]
    matches, found, truth = own.matches[image], own.found, own.truth
    seen = [
        Mark(in_pixels(found.box[image, number], shape).tolist(),
             f"{names[found.label[image, number]]} {found.score[image, number]:.2f}", RIGHT if match >= 0 else FALSE)
        for number, match in enumerate(matches) if match > IGNORED
    ]  # fmt: skip
    missed = truth.present[image] & ~truth.difficult[image]
    missed[matches[matches >= 0]] = False
    boxes = in_pixels(truth.box[image], shape)
    return [*seen, *(Mark(boxes[n].tolist(), names[truth.label[image, n]], MISSED) for n in np.flatnonzero(missed))]


def examples(run: LoadedRun, own: Tested) -> dict[str, list[Scene]]:
    """The first images in which everything is found, something false is, and something is missed."""
    images = run.engine.dataset.test.inputs
    every = [Scene(images[number], marks(run, own, number)) for number in range(len(images))]
    kinds = [{mark.color for mark in scene.marks} for scene in every]
    wanted = {"all found": lambda kind: kind == {RIGHT}, "something is false": lambda kind: FALSE in kind,
              "something is missed": lambda kind: MISSED in kind}  # fmt: skip
    rows = {
        title: [scene for scene, kind in zip(every, kinds, strict=True) if fits(kind)][:PICTURED]
        for title, fits in wanted.items()
    }
    return {title: scenes for title, scenes in rows.items() if scenes}


def worst(run: LoadedRun, own: Tested) -> list[Scene]:
    """The images with the largest loss."""
    images, losses = run.engine.dataset.test.inputs, own.values["loss"]
    order = np.argsort(-losses, kind="stable")[:PICTURED].tolist()
    return [Scene(images[number], marks(run, own, number), f"loss {losses[number]:.2f}") for number in order]


def check_detection(settings: RunSettings, path: Path) -> None:
    """Refuses runs of other tasks.

    Raises:
        UserError: naming the task that is needed.
    """
    if not isinstance(settings.task, Detection):
        raise UserError(f"{path} finds no objects; these figures need task=detection")


if __name__ == "__main__":
    main()
