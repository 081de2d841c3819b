"""Objects by the classes of many regions of an image, one after the other, beside a network that looks once.

Girshick, Donahue, Darrell, Malik: R-CNN (arXiv:1311.2524): regions are proposed, cut out, brought to one size and
classified, and the surest of overlapping ones are kept. Here the regions are windows of some sizes everywhere, and
boxes are not refined, so the average precision is what such windows allow.

`python -m experiments.regions` trains the detector on drawn shapes first; `run=runs/detection_shapes-…` takes one. The
classifier is trained on regions of its training images, about a minute, and both then find the same test images.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, UInt8

from experiments.detection import RECIPE, check_detection
from src.config.errors import reported
from src.data.boxes import BOX, BOX_LABEL, BOX_PRESENT
from src.data.examples import Split, labelled
from src.detection.boxes import in_shares, ious
from src.detection.matching import Truth, matched
from src.detection.precision import curves, mean_average_precision
from src.detection.suppression import Detections, detections
from src.models.base import ModelSettings
from src.models.summary import model_layers
from src.studies.output import arguments
from src.studies.results import write_results
from src.studies.rows import by_name, table
from src.studies.runs import named_or_trained
from src.studies.timing import in_turn
from src.tasks.detection import Detection
from src.training.fit import fit
from src.training.interruption import resumable
from src.zoo.named import named_model

SIDES = (0.25, 0.32, 0.4, 0.5)
"""Of the windows, over the side of the image."""
STEP = 0.25
"""Between two windows, over their side."""
CROP = 32
"""Side of what the classifier sees, in pixels."""

OBJECT, BACKGROUND = 0.5, 0.3
"""Overlap with an object from which on a region is of its class, and up to which it is background, in training."""

EACH = 12
"""Regions of an image to train on, half of them background."""
TESTED = 150
"""The first so many test images, for regions take their time."""
ROUNDS, TIMED = 3, 20
"""Of the timing, and images in each, where regions are classified."""


@dataclass(frozen=True)
class Way:
    """One way to find objects.

    Attributes:
        name: what it is called.
        regions: that a network sees of an image.
        parameters: of the network.
        multiplications: for an image.
        milliseconds: for an image, the median of some rounds.
        mean_ap: on the test split, in percent.
    """

    name: str
    regions: int
    parameters: int
    multiplications: int
    milliseconds: float
    mean_ap: float


def main() -> None:
    """Trains what is not there, finds the test images both ways and compares."""
    with reported(), resumable():
        run = named_or_trained(arguments(), RECIPE, check_detection)
        task = run.engine.settings.task
        assert isinstance(task, Detection)
        height, width, channels = run.engine.spec.shape
        regions = windows(height, width)
        model = named_model("resnet", depth=8)
        classes = run.engine.spec.classes
        network = classifier(model, run.engine.dataset.train, regions, classes)
        every = run.engine.dataset.test
        test = every[:TESTED]
        finders = {"one pass": run.predict, "regions": by_regions(network, task, regions, classes)}
        # Predictions are made in batches of one size, so that a part of one would cost as much as a whole.
        timed = {"one pass": every.inputs[: run.engine.settings.eval.batch_size], "regions": test.inputs[:TIMED]}
        seconds = in_turn({name: partial(find, timed[name]) for name, find in finders.items()}, rounds=ROUNDS)
        settings = run.engine.settings.model
        sizes = {
            "one pass": (1, *cost(settings, run.engine.spec.shape, task.outputs(run.engine.spec))),
            "regions": (len(regions), *cost(model, (CROP, CROP, channels), classes + 1, times=len(regions))),
        }
        rows = [
            Way(name, *sizes[name], 1000 * float(np.median(seconds[name])) / len(timed[name]),
                100 * mean_ap(find(test.inputs), test, task, classes))
            for name, find in finders.items()
        ]  # fmt: skip
        facts = {"run": run.directory.path.name, "images": len(test.inputs), "ways": by_name(rows)}
        write_results("regions", facts, figures={}, table=ways_table(rows))


def windows(height: int, width: int) -> Float[np.ndarray, "n 4"]:
    """The regions: squares of some sizes everywhere, in pixels."""
    found = []
    for share in SIDES:
        side = share * min(height, width)
        rows, columns = (np.arange(0, length - side + 1e-6, STEP * side) for length in (height, width))
        found += [(row, column, row + side, column + side) for row, column in product(rows, columns)]
    return np.array(found, np.float32)


def cut(
    images: Float[Array, "b h w c"], boxes: Float[Array, "b n 4"], side: int = CROP
) -> Float[Array, "b n side side c"]:
    """Regions of images, brought to one size by linear interpolation."""

    def one(image: Float[Array, "h w c"], box: Float[Array, "4"]) -> Float[Array, "side side c"]:
        scale = side / (box[2:] - box[:2])
        return jax.image.scale_and_translate(
            image, (side, side, image.shape[-1]), (0, 1), scale, -box[:2] * scale, "linear"
        )

    return jax.vmap(lambda image, own: jax.vmap(partial(one, image))(own))(images, boxes)


def classifier(model: ModelSettings, train: Split, regions: Float[np.ndarray, "n 4"], classes: int) -> nnx.Module:
    """A network that names the class of a region, or background, which is the last class."""
    chosen, labels = training_regions(train, regions, classes)
    crops = jax.jit(cut)
    parts = [
        np.asarray(crops(jnp.asarray(train.inputs[first : first + 100], jnp.float32), chosen[first : first + 100]))
        for first in range(0, len(chosen), 100)
    ]
    pixels = np.clip(np.concatenate(parts).round(), 0, 255).astype(np.uint8)
    every = labelled(pixels.reshape(-1, *pixels.shape[2:]), labels.ravel())
    module = model.build((CROP, CROP, pixels.shape[-1]), classes + 1, rngs=nnx.Rngs(0))
    steps = len(every) * 2 // 128
    rate = optax.cosine_decay_schedule(0.003, steps)
    return fit(module, every, optax.adam(rate), duration=f"{steps} steps", normalize="unit").module


def training_regions(
    train: Split, regions: Float[np.ndarray, "n 4"], classes: int
) -> tuple[Float[np.ndarray, "b each 4"], Int[np.ndarray, "b each"]]:
    """Some regions of each image with their classes, as far as possible half of them background."""
    rng, boxes, labels = np.random.default_rng(0), [], []
    for box, label, present in zip(*(train.targets[name] for name in (BOX, BOX_LABEL, BOX_PRESENT)), strict=True):
        shared = np.where(present, ious(regions[:, None], box[None].astype(np.float32)), 0)
        best = shared.max(1)
        there, empty = np.flatnonzero(best >= OBJECT), np.flatnonzero(best <= BACKGROUND)
        some = rng.permutation(there)[: EACH // 2]
        chosen = np.concatenate([some, rng.choice(empty, EACH - len(some))])
        boxes.append(regions[chosen])
        labels.append(np.where(best[chosen] >= OBJECT, label[shared[chosen].argmax(1)], classes))
    return np.stack(boxes), np.stack(labels)


def by_regions(
    network: nnx.Module, task: Detection, regions: Float[np.ndarray, "n 4"], classes: int
) -> Callable[[UInt8[np.ndarray, "n h w c"]], Detections]:
    """A function that finds objects in images by the classes of their regions, a few images at a time."""
    definition, state = nnx.split(network)

    @jax.jit
    def few(state: Any, images: UInt8[Array, "b h w c"]) -> Detections:
        own = jnp.broadcast_to(regions, (len(images), *regions.shape))
        crops = cut(images.astype(jnp.float32), own) / 255
        logits = nnx.merge(definition, state)(crops.reshape(-1, *crops.shape[2:]))
        scores = jax.nn.softmax(logits).reshape(len(images), len(regions), -1)[..., :classes]
        boxes = in_shares(own, (images.shape[1], images.shape[2]))
        return detections(boxes, scores, task.suppression, task.least_score, task.most)

    def find(images: UInt8[np.ndarray, "n h w c"]) -> Detections:
        parts = [few(state, images[first : first + 4]) for first in range(0, len(images), 4)]
        return jax.tree.map(lambda *arrays: np.concatenate(arrays), *jax.device_get(parts))

    return find


def mean_ap(found: Detections, test: Split, task: Detection, classes: int) -> float:
    """Mean average precision on the test split."""
    own = test.targets
    shape = test.inputs.shape[1], test.inputs.shape[2]
    truth = Truth(in_shares(own[BOX], shape), own[BOX_LABEL], own[BOX_PRESENT], np.zeros_like(own[BOX_PRESENT]))
    return mean_average_precision(curves(found, matched(found, truth, task.match), truth, classes))


def cost(model: ModelSettings, shape: tuple[int, ...], outputs: int, times: int = 1) -> tuple[int, int]:
    """Parameters of a network, and its multiplications for so many inputs."""
    layers = model_layers(model, shape, outputs)
    return sum(each.parameters for each in layers), times * sum(each.multiplications for each in layers)


def ways_table(rows: list[Way]) -> str:
    """A row for each way."""
    columns: Mapping[str, Callable[[Way], object]] = {
        "": lambda row: row.name,
        "regions": lambda row: row.regions,
        "parameters": lambda row: f"{row.parameters:,}",
        "multiplications, M": lambda row: f"{row.multiplications / 1e6:,.1f}",
        "ms an image": lambda row: f"{row.milliseconds:.2f}",
        "mean AP, %": lambda row: f"{row.mean_ap:.1f}",
    }
    return table(columns, rows)


if __name__ == "__main__":
    main()
