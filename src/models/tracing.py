"""Makes tracing time linear in the depth of a network, and not quadratic.

When Flax writes a value in place, it reads the sharding of both arrays. Traced arrays have none, and JAX searches the
whole program so far for its error message: minutes for a network of 1,000 layers.
"""

from typing import Any

import jax
import numpy as np
from flax import nnx


class Statistic(nnx.BatchStat):
    """A running statistic that is always replaced as a whole, so that its sharding does not matter."""

    def set_value(self, value: Any, *, index: Any = ...) -> None:
        """Replaces the value.

        Raises:
            IndexError: `index` selects a part.
        """
        if index is not ...:
            raise IndexError("a running statistic is replaced as a whole")
        super().set_value(value)


def replace_statistics(module: nnx.Module) -> None:
    """Replaces the running statistics of every batch normalization by `Statistic`."""
    for _, layer in nnx.iter_modules(module):
        if isinstance(layer, nnx.BatchNorm):
            layer.mean, layer.var = (Statistic(each.get_value()) for each in (layer.mean, layer.var))


def abstract_rngs() -> nnx.Rngs:
    """Random generators for an abstract network, whose counters are outside the traced program."""
    rngs = nnx.Rngs(0)
    rngs.default.count.set_value(np.zeros((), np.uint32))
    return rngs


def arrays_as_data(module: nnx.Module) -> nnx.Module:
    """The same network with traced arrays in plain attributes marked as data, as Flax does with other arrays."""
    for _, part in nnx.iter_modules(module):
        for name, value in list(vars(part).items()):
            if isinstance(value, jax.Array):
                setattr(part, name, nnx.data(value))
    return module
