"""The numbers of docs/weights.md."""

from tests.numbers.pages import Said, said
from tests.numbers.results import figures


def published() -> Said:
    """Test errors of the weights of Li et al. in our network."""
    found = figures("cpu", "published")
    errors = [100 * found[network]["test_error"] for network in ("ResNet-56", "ResNet-56 without shortcuts")]
    return said("{:.2f} % and {:.2f} % test error on CIFAR-10", *errors)


SAID = [published()]
GIVEN = [
    "torchvision 0.29.1",
    "below 1e-12 in double precision for the 16 that were run",
    "below 5e-5",
    "Keras 3.15.1",
    "the same for 13 networks",
]
