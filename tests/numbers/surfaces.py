"""The numbers of docs/surfaces.md."""

from tests.numbers.pages import Said, said
from tests.numbers.studies import below


def valley() -> Said:
    """How much of the planes of Li et al. is low."""
    shares = [below("li_fine", network) for network in ("ResNet-56", "without shortcuts")]
    return said("{:.1f} % and {:.1f} % of the plane have a loss below 1", *shares)


SAID = [valley()]
GIVEN = ["error of its loss is 1 %"]
