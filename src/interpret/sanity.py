"""Whether a map depends on what a network has learned: layers are made random, and it should change.

Adebayo et al. 2018 (arXiv:1810.03292): from the output to the input, one layer more at a time (cascading
randomization). Guided backpropagation fails: it draws the edges of the image whatever the upper layers are.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Float
from scipy.stats import rankdata

from ..models.captured import in_evaluation
from ..models.functional import dotted
from .explained import BATCH_SIZE, explained
from .parts import used_layers

Method = Callable[..., Float[np.ndarray, "n ..."]]


def cascade(
    network: nnx.Module, method: Method, images: Any, target: Any = None, *, seed: int = 0
) -> dict[str, Float[np.ndarray, "n"]]:
    """How alike the maps of a network and of the one with random layers are.

    A layer is made random by shuffling the values of each of its parameters, which keeps their distribution.

    Args:
        network: any NNX module that gives scores of classes.
        method: is called with a network, the images and their targets, such as `gradient`, or
            `functools.partial(grad_cam, layer="conv5")`.
        images: what the network takes.
        target: the class of each image; the one that the network predicts if missing.
        seed: of the shuffling.

    Returns:
        The rank correlation of each image, by the name of the layer that was made random last; first the output.

    Raises:
        UserError: the input does not fit.
    """
    given = explained(network, images, target, BATCH_SIZE)
    whole, changed = method(network, given.images, given.targets), nnx.clone(network)
    found, layers = {}, {dotted(path): layer for path, layer in nnx.iter_modules(changed)}
    names = used_layers(in_evaluation(network), jnp.asarray(given.images[:1]))
    with_parameters = [name for name in names if jax.tree.leaves(nnx.state(layers[name], nnx.Param))]
    for number, name in enumerate(reversed(with_parameters)):
        shuffle(layers[name], np.random.default_rng([seed, number]))
        found[name] = rank_correlation(whole, method(changed, given.images, given.targets))
    return found


def shuffle(layer: nnx.Module, rng: np.random.Generator) -> None:
    """Shuffles the values of each parameter of a layer, in place."""
    for _, parameter in nnx.to_flat_state(nnx.state(layer, nnx.Param)):
        values = np.asarray(parameter[...])
        parameter[...] = jnp.asarray(rng.permutation(values.ravel()).reshape(values.shape))


def rank_correlation(maps: Float[np.ndarray, "n ..."], others: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n"]:
    """Spearman's rank correlation of each map with another one; 0 where one of them has a single value.

    Maps whose sign does not matter are compared by their absolute values.
    """
    one, other = (rankdata(each.reshape(len(each), -1), axis=1) for each in (maps, others))
    one, other = (each - each.mean(1, keepdims=True) for each in (one, other))
    below = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    return np.divide((one * other).sum(1), below, out=np.zeros(len(maps)), where=below > 0)
