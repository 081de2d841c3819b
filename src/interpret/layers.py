"""Which layers of a network are looked at, and what they give for images."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError, did_you_mean
from ..models.captured import LayerOutput, captured

Reader = Callable[[Any], dict[str, Float[Array, "b ..."]]]
"""From a batch of images to the outputs of layers, by their names."""


def in_evaluation(module: nnx.Module) -> nnx.Module:
    """A copy of a network that uses running statistics and no dropout, whatever mode the network itself is in."""
    copy = nnx.clone(module)
    copy.eval()
    return copy


def reader(module: nnx.Module, layers: Sequence[str], prepare: Callable[[Any], Any] | None = None) -> Reader:
    """A compiled function of images that gives the outputs of some layers; a network in any mode is evaluated.

    Args:
        module: the network, which stays as it is.
        layers: names, as `src.models.captured.layer_outputs` lists them.
        prepare: makes the input of the network of a batch of images.
    """
    definition, state = nnx.split(in_evaluation(module))

    @jax.jit
    def outputs(state: nnx.State, images: Any) -> dict[str, Array]:
        found = captured(nnx.merge(definition, state, copy=True), prepare(images) if prepare else images)
        return {name: found[name] for name in layers}

    return lambda images: outputs(state, images)


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
    """The layers that names mean, all of which have maps.

    Raises:
        UserError: one has none, with the nearest that has; or there is no such layer.
    """
    with_maps = [layer for layer in layers if layer.mapped]
    for layer in chosen(layers, patterns):
        if not layer.mapped and not any("*" in pattern for pattern in patterns):
            gives = f"gives {'x'.join(map(str, layer.shape)) or 'one number'}"
            names = [each.name for each in with_maps]
            raise UserError(f"layers={layer.name}: this layer has no maps, it {gives}{did_you_mean(layer.name, names)}")
    return chosen(with_maps, patterns)


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
