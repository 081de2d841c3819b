"""Layers that an optimizer leaves alone, or changes at a rate of their own."""

import operator
from collections.abc import Mapping, Sequence

import jax
import optax

from ..config.errors import UserError
from ..models.functional import Network, layer_of
from ..models.layer_names import chosen_layers


def layerwise(
    optimizer: optax.GradientTransformationExtraArgs, network: Network, rates: Mapping[str, float]
) -> optax.GradientTransformationExtraArgs:
    """An optimizer that keeps no state of frozen layers, and scales the updates of others by their rates.

    Args:
        optimizer: any.
        network: knows what is frozen.
        rates: factors on the learning rate, by the names of layers.
    """
    trained = network.trained()
    if not all(jax.tree.leaves(trained)):
        optimizer = optax.masked(optimizer, trained)
    if not rates:
        return optimizer
    factors = jax.tree.map_with_path(lambda path, _: rates.get(layer_of(path), 1.0), network.parameters)
    scaled = optax.stateless(lambda updates, _: jax.tree.map(operator.mul, updates, factors))
    return optax.chain(optimizer, scaled)


def rates_of_layers(names: Sequence[str], patterns: Mapping[str, float] | None) -> dict[str, float]:
    """The rate of every layer that a pattern means.

    Raises:
        UserError: a pattern means no layer, or a layer is meant by two.
    """
    rates: dict[str, float] = {}
    for pattern, rate in (patterns or {}).items():
        layers = chosen_layers(names, [pattern], "layer_rates")
        if twice := sorted(layers & {*rates}):
            raise UserError(f"layer_rates={pattern}: layer {twice[0]} has a rate by another pattern too")
        rates |= dict.fromkeys(layers, rate)
    return rates
