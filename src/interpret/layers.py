"""Which layers of a network are looked at, and what they give for images."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError, did_you_mean
from ..models.captured import LayerOutput, captured, in_evaluation

Reader = Callable[[Any], dict[str, Float[Array, "b ..."]]]
"""From a batch of images to the outputs of layers, by their names, in the order in which these were asked for."""


def reader(module: nnx.Module, layers: Sequence[str], prepare: Callable[[Any], Any] | None = None) -> Reader:
    """A compiled function of images that gives the outputs of some layers; a network in any mode is evaluated.

    Args:
        module: the network, which stays as it is.
        layers: names, as `src.models.captured.layer_outputs` lists them.
        prepare: makes the input of the network of a batch of images.
    """
    evaluated = in_evaluation(module)

    @jax.jit
    def outputs(network: nnx.Module, images: Any) -> list[Array]:
        found = captured(network, prepare(images) if prepare else images)
        return [found[name] for name in layers]  # a list, since of a dictionary the keys would be sorted

    return lambda images: dict(zip(layers, outputs(evaluated, images), strict=True))


def chosen(layers: Sequence[LayerOutput], patterns: Sequence[str]) -> list[LayerOutput]:
    """The layers that names mean, in the order in which they are computed.

    Args:
        layers: all of a network.
        patterns: names, with `*` for anything.

    Raises:
        UserError: a pattern means no layer; with the nearest name.
    """
    names = [layer.name for layer in layers]
    meant: set[str] = set()
    for pattern in patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            raise UserError(f"layers={pattern}: the network has no such layer{did_you_mean(pattern, names)}")
        meant |= found
    return [layer for layer in layers if layer.name in meant]


def mapped(layers: Sequence[LayerOutput], patterns: Sequence[str]) -> list[LayerOutput]:
    """The layers with maps among those that names mean.

    Raises:
        UserError: there is no such layer, with the nearest name; or a name means none with maps, with the last layer
            before it that has some.
    """
    for pattern in patterns:
        first, *others = chosen(layers, [pattern])
        if not any(layer.mapped for layer in (first, *others)):
            gives = "x".join(map(str, first.shape)) or "one number"
            before = [layer.name for layer in layers[: layers.index(first)] if layer.mapped]
            nearest = f"; the last one with maps before it is '{before[-1]}'" if before else ""
            raise UserError(f"layers={pattern}: {first.name} has no maps, it gives {gives}{nearest}")
    return [layer for layer in chosen(layers, patterns) if layer.mapped]


def outermost(layers: Sequence[LayerOutput]) -> list[LayerOutput]:
    """The layers with maps that are inside no other one with maps: the blocks of a network, and what is beside them."""
    names = {layer.name for layer in layers if layer.mapped}

    def inside(name: str) -> bool:
        words = name.split(".")
        return any(".".join(words[:count]) in names for count in range(1, len(words)))

    return [layer for layer in layers if layer.mapped and not inside(layer.name)]


def feature_layer(layers: Sequence[LayerOutput]) -> LayerOutput:
    """The last layer that gives a vector, before those that give what the network itself gives.

    Raises:
        UserError: there is none.
    """
    vectors = [layer for layer in layers if len(layer.shape) == 1 and not layer.last]
    if not vectors:
        raise UserError("no layer before the last one gives a vector, in whose space images could be near each other")
    return vectors[-1]
