"""The numbers of docs/adversarial.md."""

import json
from typing import Any

from tests.numbers.pages import Said, said
from tests.numbers.results import RESULTS

LEVELS = 255


def facts() -> Any:
    """Of the published network."""
    return json.loads((RESULTS / "adversarial" / "results_resnet56_li_published.json").read_text())["facts"]


def published() -> list[Said]:
    """Right answers under attacks, and the sizes of the changes of the pictured images."""
    found = facts()
    levels = [round(LEVELS * epsilon) for epsilon in found["epsilons"]]

    def right(attack: str, level: int) -> int:
        return int(found["right"][attack][levels.index(level)]["number"])

    norms = [each["norm"] for each in found["pictured"]]
    return [
        said("knows {} of the first {} test images", right("PGD-20", 0), found["images"]),
        said("answers {} are right after FGSM with {} levels", right("FGSM", 8), 8),
        said("and {} after {} steps of PGD with {} levels", right("PGD-20", 4), 20, 4),
        said("With {} levels PGD leaves {}", 2, right("PGD-20", 2)),
        said("APGD {}. The images", right("APGD-20, cross-entropy", 2)),
        said("norms of {:.2f} to {:.2f}", min(norms), max(norms)),
    ]


SAID = published()
