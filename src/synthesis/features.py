"""What a network sees in images: some of its layers as a pure function of pixels, its own normalization inside.

The network is computed no further than to the last of these layers. So a network whose dense layers want images of one
size looks at photographs of any size with its convolutions.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError, did_you_mean, one_line
from ..data.batches import Constants
from ..models.base import ImageShape, at_least_float32
from ..models.captured import in_evaluation
from ..models.taps import check_part, tap
from ..models.vgg import VGG, published_layers
from ..operations.fast_layers import use_fast_layers
from ..operations.fused import with_kernels
from ..training.kernels import chosen_kernels
from .balls import Pixels
from .classifier import WHITE

OUTPUT = "output"
"""Stands for what the network itself gives: the scores of classes before the softmax."""


class Layer(NamedTuple):
    """A layer that is looked at.

    Attributes:
        name: as it was asked for.
        part: its name in the layer table, or `output`.
        rectified: whether the ReLU after it belongs to it.
    """

    name: str
    part: str
    rectified: bool = False

    def read(self, outputs: Any) -> Array:
        """What counts as the layer's outputs.

        Raises:
            UserError: they are not one array.
        """
        if not isinstance(outputs, jax.Array):
            raise UserError(f"layer={self.name} gives several outputs, and one array is looked at")
        found: Array = at_least_float32(outputs)
        return nnx.relu(found) if self.rectified else found


class Seen(Exception):
    """All layers have been computed, and the rest of the network need not be."""


@partial(jax.tree_util.register_dataclass, data_fields=["network", "constants"], meta_fields=["layers"])
@dataclass(frozen=True)
class Features:
    """Layers of a network in evaluation mode; compiled functions take it as an argument.

    Attributes:
        network: in evaluation mode.
        constants: of the normalization, in units of stored pixels, 0 to 255.
        layers: those that are looked at.
    """

    network: nnx.Module
    constants: Constants
    layers: tuple[Layer, ...]

    def __call__(self, pixels: Pixels) -> list[Float[Array, "b ..."]]:
        """The outputs of the layers for images from 0 to 1."""
        network = nnx.clone(self.network)
        found: dict[str, Any] = {}
        wanted = {layer.part for layer in self.layers}

        def seen(part: str, outputs: Any) -> Any:
            found[part] = outputs
            if wanted == {*found}:
                raise Seen
            return outputs

        for part in sorted(wanted - {OUTPUT}, key=len, reverse=True):  # what is inside comes before what holds it
            tap(network, part, partial(seen, part))
        with suppress(Seen):
            found[OUTPUT] = network((WHITE * pixels - self.constants.mean) / self.constants.std)
        return [layer.read(found[layer.part]) for layer in self.layers]

    def check(self, shape: ImageShape) -> list[tuple[int, ...]]:
        """The shapes of the layers for one image of a shape; nothing is computed.

        Raises:
            UserError: the network cannot take such images.
        """
        image = jax.ShapeDtypeStruct((1, *shape), "float32")
        try:
            found = jax.eval_shape(lambda own, pixels: own(pixels), self, image)
        except (AssertionError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
            size = "x".join(map(str, shape))
            raise UserError(f"the network cannot take images of {size}: {one_line(error)}") from None
        return [each.shape[1:] for each in found]


def features(module: nnx.Module, constants: Constants, names: Sequence[str] = (OUTPUT,)) -> Features:
    """Layers of any network; the module itself stays as it is, in whichever mode that is.

    Args:
        module: takes normalized images.
        constants: of their normalization, in units of stored pixels, 0 to 255.
        names: of layers or of parts that hold them, as the layer table has them; `output`; for VGG also `relu2_2`.

    Raises:
        UserError: there is no such layer, with the nearest name.
    """
    layers = tuple(named(module, name) for name in names)
    copy = in_evaluation(module)
    use_fast_layers(copy, jax.default_backend())
    return Features(with_kernels(copy, chosen_kernels("auto")) or copy, constants, layers)


@jax.jit
def seen_in(features: Features, images: Pixels) -> list[Float[Array, "b ..."]]:
    """The layers for images from 0 to 1, compiled."""
    return features(images)


def named(module: nnx.Module, name: str) -> Layer:
    """The layer that a name means; VGG's `relu2_2` is the second convolution of the second stage after its ReLU.

    Raises:
        UserError: there is none, with the nearest name.
    """
    published = re.fullmatch(r"(relu|conv)(\d_\d)", name)
    if isinstance(module, VGG) and published:
        kind, place = published.groups()
        known = published_layers(module)
        if place not in known:
            raise UserError(f"layer={name}: there is no such layer{did_you_mean(name, [kind + own for own in known])}")
        return Layer(name, known[place], rectified=kind == "relu")
    if name != OUTPUT:
        check_part(module, name)
    return Layer(name, name)
