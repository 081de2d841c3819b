"""The numbers of the prose of docs/performance.md; its tables are written from the results (`benchmarks/run.py`)."""

from tests.numbers.pages import said
from tests.numbers.results import figures

SHAPES = {3: "three"}


def sooner_than_products() -> str:
    """How many shapes have gradients that come sooner than a product of matrices."""
    found = [own["speed_ratio"] for name, own in figures("cpu", "operations").items() if name.startswith("gradients")
             and name.endswith("product")]  # fmt: skip
    return SHAPES[sum(ratio > 1 for ratio in found)]


SAID = [said("gradients of all {} shapes above come sooner", sooner_than_products())]
GIVEN = [
    "convolution of 16 filters as for one of 64 filters", "those of 32 filters", "the 1,000 of the table",
]  # fmt: skip
