"""The most probable classes of an input."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

TOP = 5


@dataclass(frozen=True)
class Ranked:
    """What a network says of an input.

    Attributes:
        classes: the names of the most probable classes, the best first.
        probabilities: of these.
    """

    classes: list[str]
    probabilities: list[float]

    def cells(self) -> tuple[str, str]:
        """The class with its probability, and the next ones."""
        best, *others = (f"{name} {share:.1%}" for name, share in zip(self.classes, self.probabilities, strict=True))
        return best, ", ".join(others)


def ranked(probabilities: Float[np.ndarray, "classes"], names: Sequence[str]) -> Ranked:
    """The most probable classes; of equal ones the first."""
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    return Ranked([names[label] for label in best], probabilities[best].tolist())
