"""Tracing in a time that grows with the depth of a network, and not with its square.

Where Flax writes a value in place, it asks both arrays for their placement. Traced arrays have none, and for the words
in which JAX says so it looks through the whole program so far: minutes for a network of 1,000 layers.
"""

from typing import Any

import jax
import numpy as np
from flax import nnx


class Statistic(nnx.BatchStat):
    """A running statistic that is always replaced as a whole, for which no placement matters."""

    def set_value(self, value: Any, *, index: Any = ...) -> None:
        """Replaces the value.

        Raises:
            IndexError: only a part of it was meant.
        """
        if index is not ...:
            raise IndexError("a running statistic is replaced as a whole")
        super().set_value(value)


def replace_statistics(module: nnx.Module) -> None:
    """Gives every batch normalization of a network statistics that are quickly traced."""
    for _, layer in nnx.iter_modules(module):
        if isinstance(layer, nnx.BatchNorm):
            layer.mean, layer.var = (Statistic(each.get_value()) for each in (layer.mean, layer.var))


def abstract_rngs() -> nnx.Rngs:
    """A source of parameters for a network of which nothing is computed; it counts outside the traced program."""
    rngs = nnx.Rngs(0)
    rngs.default.count.set_value(np.zeros((), np.uint32))
    return rngs


def arrays_as_data(module: nnx.Module) -> nnx.Module:
    """The same network, whose traced arrays count as data where they are plain attributes, as others do in Flax."""
    for _, part in nnx.iter_modules(module):
        for name, value in list(vars(part).items()):
            if isinstance(value, jax.Array):
                setattr(part, name, nnx.data(value))
    return module
