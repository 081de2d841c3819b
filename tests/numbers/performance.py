"""The numbers of the prose of docs/performance.md; its tables are written from the results (`benchmarks/run.py`)."""

from tests.numbers.pages import said
from tests.numbers.results import figures

TIMES = ("one", "two", "three", "four", "five", "six", "seven", "eight")


def up_to() -> str:
    """How much faster PyTorch's convolutions are at most."""
    slowest = min(own["speed_ratio"] for own in figures("cpu", "operations").values())
    return TIMES[round(1 / slowest) - 1]


SAID = [said("PyTorch's are up to {} times as fast, gradients of the early kernels", up_to())]
GIVEN = [
    "convolution of 16 filters as for one of 64 filters", "those of 32 filters", "the 1,000 of the table",
]  # fmt: skip
