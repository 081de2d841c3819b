"""In which order a network uses its layers."""

from functools import partial
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array

from ..layers.children import replace
from ..models.summary import innermost
from ..models.taps import Tapped


def used_layers(network: nnx.Module, images: Array) -> list[str]:
    """The names of the layers without sublayers, as the network uses them for images; nothing is computed.

    The order of the attributes of a network that was copied is that of the alphabet.
    """
    found: dict[str, None] = {}

    def noted(name: str, outputs: Any) -> Any:
        found.setdefault(name)
        return outputs

    def call(network: nnx.Module, images: Array) -> Any:
        for parent, key, layer, name in list(innermost(network)):
            replace(parent, key, Tapped(layer, partial(noted, name)))
        return network(images)

    jax.eval_shape(call, network, images)
    return list(found)
