"""The numbers of docs/adversarial.md."""

import json
from typing import Any

import numpy as np

from tests.numbers.pages import Said, said
from tests.numbers.results import RESULTS

LEVELS = 255


def facts(name: str) -> Any:
    """Of one network."""
    return json.loads((RESULTS / "adversarial" / f"results_{name}.json").read_text())["facts"]


def published() -> list[Said]:
    """Right answers under attacks, and the sizes of the changes of the pictured images."""
    found = facts("resnet56_li_published")
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


def photographs() -> list[Said]:
    """What is left of a network for photographs."""
    found = facts("mobilenet_width_0.75")
    right = {name: [share["number"] for share in shares] for name, shares in found["right"].items()}
    half = found["epsilons"].index(0.5 / LEVELS)
    there, back = found["transfer"].values()
    return [
        said("knows {} of {} photographs", right["FGSM"][0], found["images"]),
        said("it knows {} of them, and after PGD {}", right["FGSM"][half], right["PGD-20"][half]),
        said("All {} became", found["climbed"]["number"]),
        said("a median norm of {:.2f}", np.median(found["climbed"]["norms"])),
        said("with {:.0f} levels {} of {} turned", LEVELS * found["epsilons"][-1], there["number"], there["of"]),
        said("and {} of {} the other way", back["number"], back["of"]),
    ]


def trained() -> list[Said]:
    """A plain network, and one that was trained against adversarial images."""
    found = facts("resnet20_plain")
    levels = [round(LEVELS * epsilon) for epsilon in found["epsilons"]]
    plain, other = ([each["number"] for each in found["right"][name]] for name in ("PGD-20", "PGD-20, other"))
    there = found["transfer"]["itself, tried on other"]
    return [
        said("Of {} test images the plain network knows {}", found["images"], plain[0]),
        said("{} after PGD with {} levels. The one", {0: "none"}[plain[levels.index(4)]], 4),
        said("(`other`) knows {}, and {} after PGD with {} levels", other[0], other[levels.index(8)], 8),
        said("turns the other: {} of {}", there["number"], there["of"]),
    ]


SAID = [*published(), *photographs(), *trained()]
