"""Random layers with one key per example, so that draws do not depend on batches or devices."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Key

from ..config.errors import UserError
from ..randomness import at
from .children import children, replace


class RandomLayer(nnx.Module):
    """Base class of layers that draw at random in training.

    Attributes:
        deterministic: true in evaluation; set by `module.train()` and `module.eval()`.
        keys: the layer's keys, one per example; set by `give_keys`.
    """

    def __init__(self) -> None:
        self.deterministic = False
        self.keys: Array | None = nnx.data(None)


class Dropout(RandomLayer):
    """Sets values to zero with probability `rate` in training, and scales the others up (Srivastava et al. 2014).

    The mask is the same along `broadcast_dims`; dimension 0 is the batch.
    """

    def __init__(self, rate: float, broadcast_dims: Sequence[int] = ()) -> None:
        super().__init__()
        self.rate = rate
        self.broadcast_dims = tuple(broadcast_dims)

    def __call__(self, x: Float[Array, "b ..."], *, deterministic: bool | None = None) -> Float[Array, "b ..."]:
        if (self.deterministic if deterministic is None else deterministic) or self.rate == 0:
            return x
        if self.keys is None:
            raise ValueError("a network with dropout needs randomness in training: give_keys(module, keys)")
        alike = {dimension % x.ndim for dimension in self.broadcast_dims}
        if 0 in alike:
            raise UserError("dropout that takes the same values from all examples of a batch would depend on the batch")
        shape = [1 if dimension in alike else side for dimension, side in enumerate(x.shape)][1:]
        kept = jax.vmap(partial(jax.random.bernoulli, p=1 - self.rate, shape=shape))(self.keys)
        return jnp.where(kept, x / (1 - self.rate), 0)


def replace_dropout(module: nnx.Module) -> None:
    """Replaces Flax's dropout, which draws once for a whole batch, by dropout with one key per example."""
    made: dict[int, Dropout] = {}  # a layer may be used in several places
    for _, parent in list(nnx.iter_modules(module)):
        for key, child in children(parent):
            if isinstance(child, nnx.Dropout):
                replace(parent, key, made.setdefault(id(child), Dropout(child.rate, child.broadcast_dims)))


def give_keys(module: nnx.Module, keys: Key[Array, "b"] | None) -> None:
    """Sets the keys of every random layer of a network, one per example and different for each layer."""
    if keys is None:
        return
    layers = [layer for _, layer in nnx.iter_modules(module) if isinstance(layer, RandomLayer)]
    for number, layer in enumerate(layers):
        layer.keys = jax.vmap(lambda key, number=number: at(key, number))(keys)
