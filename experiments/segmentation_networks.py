"""Networks for a class at every pixel, side by side: the chapter's first form, FCN, and an encoder and decoder.

`python -m experiments.segmentation_networks` trains each of them by the same recipe on the same drawn shapes (chapter
Figs 59 and 60; Long et al. 2015, arXiv:1411.4038), several minutes; settings that follow are those of all runs. It
writes `segmentation_networks/masks.png`, the table of the networks and the numbers.
"""

from dataclasses import dataclass

from src.config.errors import reported
from src.models.summary import model_layers
from src.plots.masks import mask_figure
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import by_name, table
from src.studies.runs import StudyRun, finish, planned
from src.tasks.segmentation import MASK
from src.training.interruption import resumable

RECIPE = ("+experiment=segmentation_shapes",)
NETWORKS = {
    "full resolution": ("model=full_resolution",),
    "FCN-32s": ("model=fcn_small", "model.stride=32"),
    "FCN-16s": ("model=fcn_small", "model.stride=16"),
    "FCN-8s": ("model=fcn_small",),
    "encoder–decoder": (),
}
PICTURED = 8


@dataclass(frozen=True)
class NetworkScore:
    """How well a network finds classes on the test split; shares in percent.

    Attributes:
        name: of the network.
        run: its run.
        parameters: that are trained.
        multiplications: for an image.
        mean_iou: mean over the classes.
        frequency_weighted_iou: the same, weighted by how frequent they are.
        accuracy: share of pixels with the right class.
        seconds: of training.
    """

    name: str
    run: str
    parameters: int
    multiplications: int
    mean_iou: float
    frequency_weighted_iou: float
    accuracy: float
    seconds: float


COLUMNS = {
    "network": lambda row: row.name,
    "parameters": lambda row: f"{row.parameters:,}",
    "multiplications": lambda row: f"{row.multiplications:,}",
    "mean IoU, %": lambda row: f"{row.mean_iou:.1f}",
    "weighted by frequency, %": lambda row: f"{row.frequency_weighted_iou:.1f}",
    "right pixels, %": lambda row: f"{row.accuracy:.1f}",
    "seconds": lambda row: f"{row.seconds:.0f}",
}


def main() -> None:
    """Trains the networks, and draws what they find in the first test images."""
    with reported(), resumable():
        runs = {name: planned([*RECIPE, *own, *arguments()]) for name, own in NETWORKS.items()}
        finish(runs.values())
        rows = [scored(name, run) for name, run in runs.items()]
        test = next(iter(runs.values())).settings.dataset().test
        images, masks = test.inputs[:PICTURED], test.targets[MASK][:PICTURED]
        found = {name: run.loaded().predict(images).argmax(-1) for name, run in runs.items()}
        names = next(iter(runs.values())).settings.dataset().spec.class_names
        figure = mask_figure(images, masks, found, names)
        facts = {"data": RECIPE, "networks": by_name(rows)}
        write_results("segmentation_networks", facts, figures={"masks": figure}, table=table(COLUMNS, rows))


def scored(name: str, run: StudyRun) -> NetworkScore:
    """What one run reached, and what its network costs."""
    results, spec = run.results(), run.settings.dataset().spec
    layers = model_layers(run.settings.model, spec.shape, spec.classes)
    return NetworkScore(
        name=name,
        run=run.directory.path.name,
        parameters=results["parameters"],
        multiplications=sum(layer.multiplications for layer in layers),
        mean_iou=100 * results["test_mean_iou"],
        frequency_weighted_iou=100 * results["test_frequency_weighted_iou"],
        accuracy=100 * results["test_accuracy"],
        seconds=results["seconds"],
    )


if __name__ == "__main__":
    main()
