"""A compiled function of a batch, applied to any number of examples."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def in_batches(function: Callable[[Any], Any], inputs: Any, size: int) -> Any:
    """Applies a compiled function to batches of one size, the last of which is filled up with zeros.

    Args:
        function: of a batch of inputs.
        inputs: a tree of arrays `n ...`.
        size: of a batch.

    Returns:
        What the function gives for all `n` examples, on the host.
    """
    count, parts = len(jax.tree.leaves(inputs)[0]), []
    for first in range(0, max(count, 1), size):  # the shape of no outputs is that of some
        filled = jax.tree.map(lambda array, first=first: fill(array[first : first + size], size), inputs)
        parts.append(function(filled))
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *jax.device_get(parts))


def fill(array: Any, size: int) -> np.ndarray:
    """An array with rows of zeros behind, `size` in all."""
    return np.pad(array, [(0, size - len(array)), *[(0, 0)] * (np.ndim(array) - 1)])
