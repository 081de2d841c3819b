"""The numbers of docs/experiments.md."""

from tests.numbers.pages import said
from tests.numbers.results import facts


def error(name: str) -> float:
    """Test error of a run in the first figure, in percent."""
    (run,) = (run for run in facts("training_curves") if run["name"] == name)
    return 100 * (1 - run["test_accuracy"])


SAID = [
    said(
        "still guesses ({:.1f} % test error), and with shortcuts it has {:.1f} %",
        error("resnet56_noskip"),
        error("resnet56"),
    ),
    said("({:,} parameters)", facts("segmentation")["parameters"]),
    said("a mean intersection over union of {:.1f} %", 100 * facts("segmentation")["mean_iou"]),
]
