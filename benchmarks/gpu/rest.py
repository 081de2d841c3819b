"""Points of a loss surface on as many images as CIFAR-10 has for training, and whole recipes in bfloat16.

Minutes are those of a figure of 51x51 points; images are random.
"""

from collections.abc import Mapping
from typing import Any

import jax

from benchmarks.gpu import recipes
from benchmarks.gpu.rows import Place
from benchmarks.noise import noise_engine
from benchmarks.surface_points import FIGURE, arithmetic, points
from benchmarks.surfaces import AXES, evaluate_surface
from benchmarks.utilization import SIDE, product, share
from src.landscape.grid import grid
from src.markdown import markdown
from src.studies.timing import Ratio, in_turn

REVISION = 1
SURFACES = {"resnet56's surface in float32": "float32", "resnet56's surface in bfloat16": "bfloat16"}
RECIPES = {
    "resnet20 in bfloat16": ("+experiment=resnet20", "precision=bfloat16"),
    "resnet56 in bfloat16": ("+experiment=resnet56", "precision=bfloat16"),
}
ROWS = dict.fromkeys(SURFACES, 60.0) | {"resnet20 in bfloat16": 180.0, "resnet56 in bfloat16": 400.0}
GO_ON = frozenset(RECIPES)


def measure(name: str, place: Place) -> dict[str, Any]:
    """A surface, or a whole recipe."""
    if name in RECIPES:
        return recipes.recipe("rest", name, RECIPES[name], place)
    return surface(SURFACES[name], place.scale == 1)


def surface(precision: str, whole: bool) -> dict[str, Any]:
    """Time of a grid evaluation per point, and utilization of the device's arithmetic."""
    depth, side, images = (56, 32, 50_000) if whole else (8, 8, 100)
    run = noise_engine(
        "data=cifar10", f"model.depth={depth}", f"precision={precision}", "data.batch_size=50",
        side=side, classes=10, examples=images,
    )  # fmt: skip
    large = SIDE[jax.default_backend()] if whole else 256
    work = {"survey": evaluate_surface(points(run)), "product": product(precision, large)}
    seconds = in_turn(work, rounds=3 if whole else 1)
    each = Ratio.of(seconds["survey"], [len(grid(AXES))] * len(seconds["survey"]))
    return {
        "images": images,
        "seconds_a_point": each._asdict(),
        "minutes_of_a_figure": each.median * FIGURE / 60,
        "of_product": share(arithmetic(run, images), seconds["survey"], 2 * large**3, seconds["product"]),
    }


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Surfaces, then recipes."""
    lines = [
        [
            name,
            f"{own['images']:,}",
            f"{own['seconds_a_point']['median']:.3g}",
            f"{own['minutes_of_a_figure']:.1f}",
            f"{own['of_product']['median']:.2f}",
        ]
        for name, own in found.items()
        if name in SURFACES
    ]
    heads = ["surface", "images", "seconds a point", "minutes of 51x51", "of the arithmetic"]
    return "\n".join(filter(None, [markdown(heads, lines) if lines else "", recipes.table(found)]))
