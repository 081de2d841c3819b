"""Layers whose randomness belongs to the example, so that it does not depend on batches or devices."""

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
    """A layer that draws at random in training; one's own is made by deriving from it.

    Attributes:
        deterministic: whether it is not to; set by `module.train()` and `module.eval()`.
        keys: of its own, one for each example; set by `give_keys`.
    """

    def __init__(self) -> None:
        self.deterministic = False
        self.keys: Array | None = nnx.data(None)


class Dropout(RandomLayer):
    """Sets values to zero with probability `rate` in training, and scales the others up (Srivastava et al. 2014).

    Along `broadcast_dims`, which count the batch as the first, the same values are lost.
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
    """Puts dropout by examples in the place of Flax's, which draws for a whole batch at once."""
    made: dict[int, Dropout] = {}  # a layer may be used in several places
    for _, parent in list(nnx.iter_modules(module)):
        for key, child in children(parent):
            if isinstance(child, nnx.Dropout):
                replace(parent, key, made.setdefault(id(child), Dropout(child.rate, child.broadcast_dims)))


def give_keys(module: nnx.Module, keys: Key[Array, "b"] | None) -> None:
    """Gives every layer of a network that draws at random keys of its own, one for each example of the batch."""
    if keys is None:
        return
    layers = [layer for _, layer in nnx.iter_modules(module) if isinstance(layer, RandomLayer)]
    for number, layer in enumerate(layers):
        layer.keys = jax.vmap(lambda key, number=number: at(key, number))(keys)
