"""What is seen inside the network of a run, as arrays by name: all that the figures of its album show."""

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Int, Num, UInt8

from ..config.errors import UserError
from ..data.examples import LABEL
from ..interpret.activations import activity
from ..interpret.feature_map import neighbour_plane, principal_plane
from ..interpret.filters import image_filters
from ..interpret.layers import Reader, feature_layer, mapped, outermost, reader
from ..interpret.neighbours import Nearest, nearest, same_class_rate
from ..interpret.patches import Reconstruct, patches, strongest
from ..interpret.reconstruction import applicable_rule, reconstructed_by
from ..models.captured import LayerOutput, layer_outputs
from ..training.batched import in_batches
from ..training.load_run import LoadedRun

Arrays = dict[str, Any]
"""NumPy arrays by names such as `maps/blocks.0`."""

T = TypeVar("T")

SHOWN = 6
"""Layers that are drawn unless some are named."""

UNITS = 12
"""Units of a layer that are drawn: the first ones."""

NEAR = 5
MEASURED, QUERIES, PLACED = 200, 1000, 1000
"""Images whose maps are measured, whose nearest neighbours are counted, and that have a place in the planes."""


class Inspection:
    """A run, the images that are looked at, and those of its data that they are compared with.

    Raises:
        UserError: its inputs are no images; it has no such layers.
    """

    def __init__(self, run: LoadedRun, patterns: Sequence[str], examples: int) -> None:
        """Chooses layers.

        Args:
            run: it may be of any task on images.
            patterns: names of the layers that are drawn and measured; some of all without.
            examples: images of the test split that are searched, from the first on.
        """
        check_images(run)
        self.run = run
        self.layers = layer_outputs(run.module, run.engine.spec.shape)
        self.measured = mapped(self.layers, patterns) if patterns else outermost(self.layers)
        self.drawn = self.measured if patterns else spread(self.measured, SHOWN)
        self.examples = examples

    def reader(self, layers: Sequence[LayerOutput]) -> Reader:
        """Gives layers of images as they are stored."""
        return reader(self.run.module, [layer.name for layer in layers], self.run.engine.preprocessing.normalized)

    @property
    def batch_size(self) -> int:
        """Images at a time."""
        return self.run.engine.settings.eval.batch_size

    def images(self, count: int) -> UInt8[np.ndarray, "n h w c"]:
        """The first test images."""
        return np.asarray(self.run.engine.dataset.test.inputs[: min(count, self.examples)])

    def classes(self, count: int) -> Int[np.ndarray, "n"] | None:
        """Their classes, if they have some."""
        labels = self.run.engine.dataset.test.targets.get(LABEL)
        return None if labels is None else np.asarray(labels[: min(count, self.examples)]).astype(int)

    def arrays(self, images: UInt8[np.ndarray, "n h w c"] | None, count: int) -> Arrays:
        """All arrays of the album.

        Args:
            images: those that are looked at; test images without.
            count: how many test images then.
        """
        given = self.images(count) if images is None else images
        found: Arrays = {
            "images": given,
            "class_names": np.array(self.run.engine.spec.class_names),
            "layers/drawn": np.array([layer.name for layer in self.drawn]),
            "layers/measured": np.array([layer.name for layer in self.measured]),
            **{f"shape/{layer.name}": np.array(layer.shape) for layer in self.measured},
            **{f"field/{layer.name}": np.array(layer.field.size) for layer in self.measured if layer.field},
            **self.filters(),
        }
        if self.measured:
            found |= {**self.maps(given), **self.activity(), **self.patches()}
        return found | self.features(given, own=images is None)

    def filters(self) -> Arrays:
        """The filters of the first layer, if it has some."""
        try:
            return {"filters": image_filters(self.run.module)}
        except UserError:
            return {}

    def maps(self, images: UInt8[np.ndarray, "n h w c"]) -> Arrays:
        """The first maps of the layers that are drawn."""
        read = self.reader(self.drawn)

        @jax.jit
        def first(batch: Any) -> Any:
            return {f"maps/{name}": maps[..., :UNITS] for name, maps in read(batch).items()}

        return dict(in_batches(first, images, min(self.batch_size, len(images))))

    def activity(self) -> Arrays:
        """What the maps of all layers are like."""
        found = activity(self.reader(self.measured), self.images(MEASURED), self.batch_size)
        return {
            f"activity/{name}/{value}": own for name, each in found.items() for value, own in each._asdict().items()
        }

    def patches(self) -> Arrays:
        """The strongest images of all units of the layers that are drawn, and what the first units see of them."""
        images = self.run.engine.dataset.test.inputs[: self.examples]
        found = strongest(self.reader(self.drawn), images, batch_size=self.batch_size)
        arrays: Arrays = {
            f"strongest/{name}/{value}": own for name, each in found.items() for value, own in each._asdict().items()
        }
        rule = applicable_rule(self.run.module, self.run.engine.spec.shape)
        for layer in self.drawn:
            own, reconstruct = found[layer.name], self.reconstruct(layer, rule)
            for unit in range(min(UNITS, layer.shape[-1])):
                if (own.images[unit] >= 0).any() and layer.field:
                    seen, drivers = patches(images, own, unit, layer.field, reconstruct)
                    arrays |= {f"patches/{layer.name}/{unit}": seen, f"drivers/{layer.name}/{unit}": drivers}
        return {**arrays, "drivers/rule": np.array(rule)}

    def reconstruct(self, layer: LayerOutput, rule: str) -> Reconstruct:
        """Sends values of a layer back to the pixels of images as they are stored."""
        sent_back = reconstructed_by(self.run.module, layer.name, rule)
        normalized = self.run.engine.preprocessing.normalized
        return lambda images, unit, positions: sent_back(normalized(images), unit, positions)

    def features(self, images: UInt8[np.ndarray, "n h w c"], *, own: bool) -> Arrays:
        """Neighbours and planes in the space of the last vector before the output, if there is one.

        Args:
            images: whose neighbours are drawn.
            own: whether they are the first test images, which are no neighbours of themselves.
        """
        try:
            layer = feature_layer(self.layers)
        except UserError:
            return {}
        read, size = self.reader([layer]), self.batch_size
        every, classes = self.images(self.examples), self.classes(self.examples)
        features = in_batches(read, every, size)[layer.name]
        asked = in_batches(read, images, min(size, len(images)))[layer.name]
        themselves = np.arange(len(images)) if own else np.full(len(images), -1)
        found: Arrays = {"features/layer": np.array(layer.name), "features/values": features[:PLACED]}
        for space, points, queries in (("features", features, asked), ("pixels", every, images)):
            near = nearest(queries, points, NEAR, themselves)
            found |= {f"neighbours/{space}/{name}": each for name, each in near._asdict().items()}
            found[f"neighbours/{space}/images"] = every[near.points]
            found[f"neighbours/{space}/same"] = same(near, classes, own=own)
            if classes is not None:
                counted = min(QUERIES, len(points))
                nearest_ones = nearest(points[:counted], points, 1, np.arange(counted))
                found[f"neighbours/{space}/rate"] = np.array(same_class_rate(nearest_ones, classes[:counted], classes))
        return found | planes(features[:PLACED], every[:PLACED], None if classes is None else classes[:PLACED])


def planes(
    features: Num[np.ndarray, "n d"], images: UInt8[np.ndarray, "n h w c"], classes: Int[np.ndarray, "n"] | None
) -> Arrays:
    """The places of images in two planes."""
    points, shares = principal_plane(features)
    found: Arrays = {"planes/principal": points, "planes/shares": shares, "planes/images": images}
    found["planes/neighbours"] = neighbour_plane(features)
    return found if classes is None else {**found, "planes/classes": classes}


def same(near: Nearest, classes: Int[np.ndarray, "points"] | None, *, own: bool) -> Int[np.ndarray, "n k"]:
    """Whether neighbours of the first images have their class: 1, 0, or -1 where that is not known."""
    if classes is None or not own:
        return np.full(near.points.shape, -1)
    return (classes[near.points] == classes[: len(near.points), None]).astype(int)


def spread(every: Sequence[T], count: int) -> list[T]:
    """Some of all, from the first to the last, as evenly as can be."""
    places = np.linspace(0, len(every) - 1, min(count, len(every))).round().astype(int)
    return [every[place] for place in places]


def check_images(run: LoadedRun) -> None:
    """Refuses runs whose inputs are no images.

    Raises:
        UserError: saying so.
    """
    if not run.engine.spec.pictured:
        raise UserError(f"{run.directory.path} takes no images; what is inside a network is shown for images alone")
