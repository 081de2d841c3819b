"""What is seen inside a network, as arrays by name: all that the figures of its album show."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Int, Num, UInt8

from ..config.errors import UserError
from ..data.batches import normalized
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
from .given_network import GivenNetwork

Arrays = dict[str, Any]
"""NumPy arrays by names such as `maps/blocks.0`."""

T = TypeVar("T")

SHOWN = 6
"""Layers that are drawn unless some are named."""

UNITS = 12
"""Units of a layer that are drawn: the first ones."""

PIXELS = 2**18
"""Pixels at a time: 256 images of 32x32."""

NEAR = 5
MEASURED, QUERIES, PLACED = 200, 1000, 1000
"""Images whose maps are measured, whose nearest neighbours are counted, and that have a place in the planes."""


class Searched(NamedTuple):
    """The images that a network is compared on, as they are stored.

    Attributes:
        images: of the size that the network takes.
        classes: of the images, if they have some.
    """

    images: UInt8[np.ndarray, "n h w c"]
    classes: Int[np.ndarray, "n"] | None

    @property
    def batch_size(self) -> int:
        """Images at a time: fewer of large ones, of which all layers are in memory."""
        return min(len(self.images), max(1, PIXELS // prod(self.images.shape[1:3])))


def of_test_split(run: LoadedRun, count: int) -> Searched:
    """The first test images of a run."""
    test = run.engine.dataset.test[:count]
    labels = test.targets.get(LABEL)
    return Searched(test.inputs, None if labels is None else np.asarray(labels).astype(int))


class Inspection:
    """A network, and the images that it is compared on.

    Raises:
        UserError: it has no such layers, or lacks its last ones.
    """

    def __init__(self, network: GivenNetwork, searched: Searched, patterns: Sequence[str]) -> None:
        """Chooses layers.

        Args:
            network: of any task on images.
            searched: images to compare with.
            patterns: names of the layers that are drawn and measured; some of all without.
        """
        self.network, self.searched = network, searched
        self.layers = all_layers(network)
        self.measured = mapped(self.layers, patterns) if patterns else outermost(self.layers)
        self.drawn = self.measured if patterns else spread(self.measured, SHOWN)

    def normalized(self, images: Any) -> Any:
        """Images as the network takes them."""
        return normalized(images, self.network.constants)

    def reader(self, layers: Sequence[LayerOutput]) -> Reader:
        """Gives layers of images as they are stored."""
        return reader(self.network.module, [layer.name for layer in layers], self.normalized)

    def images(self, count: int) -> UInt8[np.ndarray, "n h w c"]:
        """The first images."""
        return self.searched.images[:count]

    def classes(self, count: int) -> Int[np.ndarray, "n"] | None:
        """Their classes, if they have some."""
        return None if self.searched.classes is None else self.searched.classes[:count]

    @property
    def batch_size(self) -> int:
        """Images at a time."""
        return self.searched.batch_size

    def arrays(self, images: UInt8[np.ndarray, "n h w c"] | None, count: int) -> Arrays:
        """All arrays of the album.

        Args:
            images: those that are looked at; the first of those searched without.
            count: how many of them then.
        """
        given = self.images(count) if images is None else images
        found: Arrays = {
            "images": given,
            "class_names": np.array(self.network.class_names),
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
            return {"filters": image_filters(self.network.module)}
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
        images = self.searched.images
        found = strongest(self.reader(self.drawn), images, batch_size=self.batch_size)
        arrays: Arrays = {
            f"strongest/{name}/{value}": own for name, each in found.items() for value, own in each._asdict().items()
        }
        rule = applicable_rule(self.network.module, images.shape[1:])
        for layer in self.drawn:
            own, reconstruct = found[layer.name], self.reconstruct(layer, rule)
            for unit in range(min(UNITS, layer.shape[-1])):
                if (own.images[unit] >= 0).any() and layer.field:
                    seen, drivers = patches(images, own, unit, layer.field, reconstruct)
                    arrays |= {f"patches/{layer.name}/{unit}": seen, f"drivers/{layer.name}/{unit}": drivers}
        return {**arrays, "drivers/rule": np.array(rule)}

    def reconstruct(self, layer: LayerOutput, rule: str) -> Reconstruct:
        """Sends values of a layer back to the pixels of images as they are stored."""
        sent_back = reconstructed_by(self.network.module, layer.name, rule)
        return lambda images, unit, positions: sent_back(self.normalized(images), unit, positions)

    def features(self, images: UInt8[np.ndarray, "n h w c"], *, own: bool) -> Arrays:
        """Neighbours and planes in the space of the last vector before the output, if there is one.

        Args:
            images: whose neighbours are drawn.
            own: whether they are the first of those searched, which are no neighbours of themselves.
        """
        try:
            layer = feature_layer(self.layers)
        except UserError:
            return {}
        read, size = self.reader([layer]), self.batch_size
        every, classes = self.searched.images, self.searched.classes
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


def all_layers(network: GivenNetwork) -> list[LayerOutput]:
    """The layers of a network, in the order of their computation.

    Raises:
        UserError: it lacks its last ones, of which its weights say nothing.
    """
    try:
        return layer_outputs(network.module, network.shape)
    except AttributeError:
        raise UserError(
            f"the weights of {network.title} end before its head; train one (docs/transfer.md) and name that run"
        ) from None
