"""Dropout whose randomness belongs to the example, so that it does not depend on batches or devices."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Key

from src.randomness import at


class Dropout(nnx.Module):
    """Sets values to zero with probability `rate` in training, and scales the others up (Srivastava et al. 2014)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.deterministic = False  # set by `module.train()` and `module.eval()`
        self.keys: Array | None = nnx.data(None)

    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, "b ..."]:
        if self.deterministic or self.rate == 0:
            return x
        if self.keys is None:
            raise ValueError("a network with dropout needs randomness in training: give_keys(module, keys)")
        kept = jax.vmap(partial(jax.random.bernoulli, p=1 - self.rate, shape=x.shape[1:]))(self.keys)
        return jnp.where(kept, x / (1 - self.rate), 0)


def give_keys(module: nnx.Module, keys: Key[Array, "b"] | None) -> None:
    """Gives every dropout layer of a network keys of its own, one for each example of the batch."""
    if keys is None:
        return
    layers = [layer for _, layer in nnx.iter_modules(module) if isinstance(layer, Dropout)]
    for number, layer in enumerate(layers):
        layer.keys = jax.vmap(lambda key, number=number: at(key, number))(keys)
