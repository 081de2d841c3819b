"""Which maps of attribution tell what a network looks at: deletion, insertion, pixel flipping, and random layers.

`python -m experiments.faithfulness [scale=cifar10]` trains what is not trained yet (`conf/study/faithfulness.yaml` says
what) and writes `faithfulness/SCALE/{table.md,results.json,maps.png,random_layers.png}`. The methods explain the class
of those of the first test images that the network gets right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np
from flax import nnx
from jaxtyping import Float, Int, UInt8
from pydantic import Field

from src.config.errors import UserError, say
from src.data.batches import normalized
from src.data.examples import LABEL
from src.interpret.explained import scores
from src.interpret.faithfulness import area, deletion, insertion, pixel_flipping
from src.interpret.layers import outermost
from src.interpret.sanity import cascade
from src.models.captured import layer_outputs
from src.operations.fused import with_kernels
from src.plots.faithfulness import maps_figure, random_layers_figure
from src.runs.versions import version
from src.studies.attributions import RANDOM, Method, methods
from src.studies.cached import cached
from src.studies.command import run_study
from src.studies.estimates import Estimate, estimate
from src.studies.networks import NetworkSettings, NetworksScale, TrainedNetwork
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.training.batched import in_batches

BATCH_SIZE = 100

Count = Annotated[int, Field(gt=0)]


class FaithfulnessScale(NetworksScale):
    """One size of the study.

    Attributes:
        networks: one.
        images: of the test split, from the first on; those are explained that the network gets right.
        steps: of the curves, and of integrated gradients.
        samples: of SmoothGrad.
        window: of occlusion, in pixels.
        stride: between windows.
        randomized: images that are drawn, and whose maps are compared as layers become random.
        batch_size: changed images at once.
    """

    networks: Annotated[list[NetworkSettings], Field(min_length=1, max_length=1)]
    images: Count
    steps: Count
    samples: Count
    window: Count
    stride: Count
    randomized: Count
    batch_size: Count

    def methods(self, layer: str) -> dict[str, Method]:
        """The methods that are compared, with Grad-CAM at that layer."""
        own = {name: getattr(self, name) for name in ("steps", "samples", "window", "stride", "batch_size")}
        return methods(layer=layer, **own)


class Explained(NamedTuple):
    """A network and the images that are explained.

    Attributes:
        network: with XLA's operations.
        fast: with kernels, for what needs no gradient.
        layer: the last part with maps.
        images: as the network takes them.
        labels: their classes.
        stored: the images as they are stored.
    """

    network: nnx.Module
    fast: nnx.Module
    layer: str
    images: Float[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, "n"]
    stored: UInt8[np.ndarray, "n h w c"]


@dataclass(frozen=True)
class Faithfulness:
    """What is measured of a method; means over images.

    Attributes:
        name: of the method.
        deletion: area under the probability of the class as pixels are deleted, the largest of the map first.
        insertion: the same as they are inserted.
        flipping: how far the score of the class falls as pixels are deleted, in the mean over all steps.
        deleted_less: how much smaller the area is than that of random maps.
        inserted_more: how much larger.
        fell_more: how much further the score falls.
        random_layers: rank correlation of the maps with those of the network whose layers, from the last one down to
            each, are random.
        measured_by: commit, device and kernels.
    """

    name: str
    deletion: Estimate
    insertion: Estimate
    flipping: Estimate
    deleted_less: Estimate
    inserted_more: Estimate
    fell_more: Estimate
    random_layers: dict[str, Estimate]
    measured_by: list[str]

    @property
    def better_than_random(self) -> str:
        """The measures by which the method is shown to be better than random maps."""
        gains = {"deletion": self.deleted_less, "insertion": self.inserted_more, "flipping": self.fell_more}
        return ", ".join(name for name, gain in gains.items() if gain.positive) or "not shown"


def shown(found: Estimate) -> str:
    """A mean with its interval."""
    return f"{found.mean:.3f}" if found.low is None else f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"


COLUMNS: Columns[Faithfulness] = {
    "method": lambda row: row.name,
    "deletion": lambda row: shown(row.deletion),
    "insertion": lambda row: shown(row.insertion),
    "flipping": lambda row: shown(row.flipping),
    "better than random by": lambda row: "" if row.name == RANDOM else row.better_than_random,
    "like that of a random head": lambda row: shown(next(iter(row.random_layers.values()))),
    "of a random network": lambda row: shown([*row.random_layers.values()][-1]),
}


def main() -> None:
    """Trains, measures and reports, scale by scale."""
    run_study("faithfulness", FaithfulnessScale, report)


def report(name: str, scale: FaithfulnessScale) -> None:
    """One scale, from its network to its files."""
    (network,) = scale.trained_networks()
    given = explained(network)
    every = scale.methods(given.layer)
    found = {method: measured(network, given, scale, method) for method in every}
    rows = [row_of(method, found[method].value, found[RANDOM].value, found[method].measured_by) for method in every]
    count = min(scale.randomized, len(given.images))
    maps = {name: method(given.network, given.images[:count], given.labels[:count]) for name, method in every.items()}
    sanity = {row.name: as_lines(row.random_layers) for row in rows}
    write_results(
        name,
        {"network": network.title, "images": len(given.images), "layer": given.layer, "methods": by_name(rows)},
        figures={"maps": maps_figure(given.stored[:count], maps), "random_layers": random_layers_figure(sanity)},
        table=table(COLUMNS, rows),
    )


def as_lines(layers: Mapping[str, Estimate]) -> Float[np.ndarray, "layers 3"]:
    """Mean, lower and upper end by layer; NaN where there is no interval."""
    return np.array([(each.mean, each.low, each.high) for each in layers.values()], float)


def explained(network: TrainedNetwork) -> Explained:
    """The images that a network gets right.

    Raises:
        UserError: there is none.
    """
    data = network.splits["test"]
    images = np.asarray(normalized(np.asarray(data.inputs), data.constants), np.float32)
    labels, stored = np.asarray(data.targets[LABEL]).astype(np.int32), np.asarray(data.inputs)
    layer = outermost(layer_outputs(network.module, images.shape[1:]))[-1].name
    fast = with_kernels(network.module, network.kernels) or network.module
    compute = partial(jax.jit(scores), fast)
    right = in_batches(compute, images, min(BATCH_SIZE, len(images))).argmax(1) == labels
    if not right.any():
        raise UserError(f"{network.title} gets none of {len(images)} images right")
    return Explained(network.module, fast, layer, images[right], labels[right], stored[right])


def measured(network: TrainedNetwork, given: Explained, scale: FaithfulnessScale, name: str) -> Any:
    """What is measured of a method, from the cache if it is there."""
    say(f"{network.title}: {name}")
    settings = scale.model_dump(exclude={"common", "networks", "splits"})
    identity = {**network.identity, **settings, "measure": "faithfulness", "method": name}
    return cached(identity, [judged], partial(judged, given, scale, name))


@version(1)
def judged(given: Explained, scale: FaithfulnessScale, name: str) -> dict[str, Any]:
    """Areas under the curves of every image, and how alike maps are as layers become random."""
    method = scale.methods(given.layer)[name]
    maps = method(given.network, given.images, given.labels)
    asked = partial(curves, given, maps, scale)
    falls = asked(pixel_flipping)
    count = scale.randomized
    layers = cascade(given.network, method, given.images[:count], given.labels[:count])
    return {
        "deletion": area(asked(deletion)).tolist(),
        "insertion": area(asked(insertion)).tolist(),
        "flipping": (falls[:, :1] - falls).mean(1).tolist(),
        "layers": {layer: values.tolist() for layer, values in layers.items()},
    }


def curves(
    given: Explained, maps: Float[np.ndarray, "n ..."], scale: FaithfulnessScale, judge: Callable[..., Any]
) -> Float[np.ndarray, "n points"]:
    """What the network answers as pixels are taken away or put back in the order of maps."""
    found: Float[np.ndarray, "n points"] = judge(
        given.fast, given.images, maps, given.labels, steps=scale.steps, batch_size=scale.batch_size
    )
    return found


def row_of(name: str, own: dict[str, Any], random: dict[str, Any], measured_by: str) -> Faithfulness:
    """What is said of a method."""

    def gain(measure: str, sign: int) -> Estimate:
        return estimate([sign * (a - b) for a, b in zip(own[measure], random[measure], strict=True)])

    return Faithfulness(
        name=name,
        deletion=estimate(own["deletion"]),
        insertion=estimate(own["insertion"]),
        flipping=estimate(own["flipping"]),
        deleted_less=gain("deletion", -1),
        inserted_more=gain("insertion", 1),
        fell_more=gain("flipping", 1),
        random_layers={layer: estimate(values) for layer, values in own["layers"].items()},
        measured_by=[measured_by],
    )


if __name__ == "__main__":
    main()
