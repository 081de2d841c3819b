"""How far a loss surface from samples of the images is from the exact one, and what it saves.

`python -m experiments.surface_accuracy [profile=full]` measures planes to a tolerance (`src/landscape/sampled.py`), and
then random points of them on all images, as `conf/study/surface_accuracy.yaml` says, and writes
`surface_accuracy/SCALE/{table.md,results.json,samples.png}` and the surfaces.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import jax
import numpy as np
from jaxtyping import Float64
from pydantic import Field

from src.config.settings import Settings
from src.data.dataset import SplitName
from src.landscape.evaluation import at_points
from src.landscape.grid import grid
from src.landscape.grid_evaluation import evaluate_points
from src.landscape.objective import split_objective
from src.landscape.sampled import Tolerance
from src.landscape.sharpness import ROUNDING
from src.markdown import markdown
from src.plots.samples import Checked, samples
from src.randomness import stream
from src.studies.command import run_study
from src.studies.networks import TrainedNetwork
from src.studies.planes import PlaneScale, points_file, surveyed_to_tolerance, write_surfaces
from src.studies.progress import surface_progress
from src.studies.results import write_results

CLOSE, IMAGES = 0.95, 0.1
"""The criterion: at least this part of the checked points close, on at most that part of the images."""


class CloseSettings(Settings):
    """What counts as close to the exact loss: the larger of two.

    Attributes:
        relative: part of the loss.
        absolute: in nats.
    """

    relative: Annotated[float, Field(gt=0)]
    absolute: Annotated[float, Field(gt=0)]


class AccuracyScale(PlaneScale):
    """One size of the study.

    Attributes:
        splits: the one that is looked at.
        tolerance: to which the planes are measured.
        checked: so many random points are measured on all images too.
        close: the distance within which they should be.
    """

    splits: Annotated[list[SplitName], Field(min_length=1, max_length=1)]
    tolerance: Tolerance
    checked: Annotated[int, Field(gt=0)]
    close: CloseSettings


def main() -> None:
    """Measures, draws and reports, scale by scale."""
    run_study("surface_accuracy", AccuracyScale, report)


def report(name: str, scale: AccuracyScale) -> None:
    """One scale, from its networks to its files."""
    found = [check(network, scale, seed) for network in scale.trained_networks() for seed in scale.seeds]
    facts = [describe(each, scale) for each in found]
    close = f"within {100 * scale.close.relative:g} % or {scale.close.absolute:g}, %"
    heading = ["network", "images %", "points checked", close, "within two errors %", "farthest %"]
    rows = [
        [each.surface.title, f"{100 * own['images_share']:.1f}", own["checked"]]
        + [f"{100 * own[key]:.1f}" for key in ("close", "two_errors", "farthest")]
        for each, own in zip(found, facts, strict=True)
    ]
    table = f"{markdown(heading, rows)}\n{criterion(found, facts)}"
    directory = write_results(name, facts, figures={"samples": samples(found)}, table=table)
    write_surfaces(directory, [each.surface for each in found], f"{scale.splits[0]}_loss")


def check(network: TrainedNetwork, scale: AccuracyScale, seed: int) -> Checked:
    """A plane to a tolerance, and the exact losses at some of its points."""
    split = scale.splits[0]
    objective = split_objective(network.module, network.task, {split: network.splits[split]}, kernels=network.kernels)
    directions, axes = scale.random_directions(network, objective.parameters, seed), scale.axes()
    identity = scale.identity(network, seed, directions, split_objective, batch_norm="frozen")
    surface = surveyed_to_tolerance(network, directions, axes, scale.tolerance, identity)
    places = grid(axes)
    chosen = np.asarray(jax.random.permutation(stream(seed, "checked points"), len(places)))[: scale.checked]
    about = {**identity, "checked": scale.checked}
    with surface_progress(f"{network.title}, exactly") as callback:
        file = points_file(axes, about)
        exact = evaluate_points(
            at_points(objective, directions.value.trees),
            places[chosen],
            about=about,
            points=file,
            callback=callback,
            kernels=network.kernels,
        )
    losses = np.array([row[f"{split}_loss"] for row in exact.rows])
    return Checked(surface, split, chosen, losses, exact.measured_by)


def criterion(found: Sequence[Checked], facts: Sequence[Mapping[str, Any]]) -> str:
    """The criterion in words."""
    lines = [
        f"At least {100 * CLOSE:g} % of the checked points close, on at most {100 * IMAGES:g} % of the images:",
        "",
    ]
    for each, own in zip(found, facts, strict=True):
        held = own["close"] >= CLOSE and own["images_share"] <= IMAGES
        lines.append(f"- {each.surface.title}, seed {own['seed']}: {'yes' if held else 'no'}")
    return "\n".join(lines) + "\n"


def describe(each: Checked, scale: AccuracyScale) -> dict[str, Any]:
    """What the table says of a network."""
    exact: Float64[np.ndarray, "k"] = each.exact
    apart, error = np.abs(each.sampled("loss") - exact), each.sampled("loss_error")
    return {
        "images_share": float(each.shares().mean()),
        "checked": len(exact),
        "close": float(np.mean(apart <= np.maximum(scale.close.relative * exact, scale.close.absolute))),
        "two_errors": float(np.mean(apart <= 2 * error + ROUNDING * exact)),
        "farthest": float(np.nanmax(apart / exact)),
        "points": [
            {"point": int(point), "exact": float(loss), "sampled": float(sampled), "error": float(own)}
            for point, loss, sampled, own in zip(each.chosen, exact, each.sampled("loss"), error, strict=True)
        ],
        **each.surface.metadata,
        "measured_by": sorted({*each.surface.metadata["measured_by"], *each.exact_by}),
    }


if __name__ == "__main__":
    main()
