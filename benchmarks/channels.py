"""Training steps of the survey's ConvNet with powers of two as numbers of filters, beside one filter fewer and more."""

from typing import Any

from benchmarks.engines import engine
from benchmarks.measure import ratio
from src.models.summary import model_layers
from src.studies.timing import in_turn, training_dispatch
from src.zoo.named import named_model

FILTERS = (32, 32, 64, 64, 64)
EXAMPLES = 2000


def multiplications(filters: list[int]) -> int:
    """Of one image."""
    model = named_model("convnet", filters=filters)
    return sum(layer.multiplications for layer in model_layers(model, *model.published))


def measure(rounds: int) -> dict[str, Any]:
    """Both ratios, with the multiplications that the neighbour has of those with powers of two."""
    counts = {name: [count + more for count in FILTERS] for name, more in (("32", 0), ("31", -1), ("33", 1))}
    work = {
        name: training_dispatch(
            engine("+experiment=convnet_fig9", f"model.filters={filters}", f"debug.examples={EXAMPLES}")
        )
        for name, filters in counts.items()
    }
    seconds = in_turn(work, rounds=rounds)
    figures = {}
    for name in ("31", "33"):
        share = multiplications(counts[name]) / multiplications(counts["32"])
        figures[f"{name} and {counts[name][-1]} filters, {share:.2f} of the multiplications"] = ratio(
            seconds, "32", name
        )
    return figures
