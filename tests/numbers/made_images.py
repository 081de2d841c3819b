"""The numbers of docs/made_images.md."""

import json
import math
from typing import Any

import numpy as np

from tests.numbers.pages import Said, said
from tests.numbers.results import RESULTS


def facts(study: str, name: str) -> Any:
    """Of one network."""
    return json.loads((RESULTS / study / f"results_{name}.json").read_text())["facts"]


def classes() -> list[Said]:
    """How probable the classes of the images are to the network itself and to another one."""
    found = facts("class_images", "mobilenet_width_0.75")["probabilities"].values()
    own, (plain, l2, smooth, waves, phases) = (
        min(min(each["own"]) for each in found),
        (100 * np.mean(each["other"]) for each in found),
    )
    return [
        said("its class with more than {:.1f} %", math.floor(1000 * own) / 10),
        said("probability of {:.0f} % (`plain`), {:.0f} % (`l#`), {:.0f} % (`smooth`)", plain, l2, smooth),
        said("{:.0f} % (`waves`) and {:.0f} % (`phases`)", waves, phases),
    ]


def dream() -> list[Said]:
    """How much more a layer sees in the dream."""
    energy = facts("dream", "mobilenet_width_0.75_clouds_blocks.6")["energy"]
    return [said("sees {:.2f} times as much", energy[-1] / energy[0])]


def inversion() -> list[Said]:
    """Errors in layers and in pixels, means over the images."""
    errors = facts("inversion", "vgg16")["errors"].values()
    features, images = ([np.mean(each[space]) for each in errors] for space in ("features", "images"))
    return [
        said("up to {:.0f} to {:.0f} % of their length", 100 * min(features), 100 * max(features)),
        said("the error grows from {:.2f} to {:.2f} times", images[0], images[-1]),
    ]


SAID = [*classes(), *dream(), *inversion()]
