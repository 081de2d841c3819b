"""Checks a new library against XLA: `python -m src.operations.trial LIBRARY` prints its vector width.

It runs in a separate process, because a wrong library may crash it.
"""

import math
import sys
from itertools import starmap
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .calls import Apply, Arrays, Backward, Call, Forward, MomentsOf, NormBack, Sums, called
from .library import register
from .pooling import AveragePool, AveragePoolBack, MaxPool, MaxPoolBack
from .window import Pair, Window

SHAPES = (
    ((5, 9, 8, 16), (3, 3, 16, 32), Window((1, 1), ((1, 1), (1, 1)))),
    ((3, 7, 10, 5), (3, 2, 5, 19), Window((2, 1), ((0, 1), (1, 0)), (1, 2))),
    ((40, 2, 3, 48), (3, 3, 48, 40), Window((1, 2), ((1, 1), (1, 2)))),
    ((5, 9, 8, 20), (3, 3, 1, 20), Window((2, 1), ((0, 1), (1, 1)))),
)
POOLS = (
    ((5, 8, 8, 32), (2, 2), Window((2, 2), ((0, 0), (0, 0)))),
    ((3, 9, 8, 21), (3, 3), Window((2, 1), ((1, 1), (0, 2)))),
)
KEY = "trial"
TOLERANCE = 1e-5
"""Relative to the largest value."""


def cases(x: tuple[int, ...], filters: tuple[int, ...], window: Window) -> list[tuple[Call, Arrays]]:
    """Every kernel, with and without its optional inputs."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    y, before, after = window.outputs(x, filters), x[3:], filters[3:]
    layer = some(*x), some(*filters)
    open_, moments = (some(*before), some(*before)), some(*before)
    own = some(*after), some(*after), some(*after)
    ceiling = 3.0 * float(np.prod(filters[:3])) ** 0.5  # some of the sums exceed it
    bare = (*layer, None, None, some(*y), *[None] * 9)
    return [
        (Forward(window), (*layer, None, None, None, None)),
        (Forward(window, relu=True, moments=True), (*layer, *open_, some(*after), some(*y))),
        (Backward(window), bare),
        (Backward(window, to_input=False), bare),
        (Backward(window, to_filters=False), bare),
        (
            Backward(window, masked=True, sums=True),
            (*layer, *open_, some(*y), some(*y), some(*y), None, None, *own, some(*x), moments),
        ),
        (Backward(window), (*layer, None, None, some(*y), None, some(*y), *own[:2], *own, None, None)),
        (Apply(relu=True), (some(*y), *own[:2], some(*y))),
        (Apply(relu=True, ceiling=0.5), (some(*y), *own[:2], None)),
        (NormBack(), (some(*y), some(*y), *own, *own[:2])),
        (MomentsOf(), (some(*y),)),
        (Sums(), (some(*y), some(*y), some(*y), some(*after))),
        (Sums(ceiling=0.5), (some(*y), some(*y), some(*y), some(*after))),
        (Forward(window, relu=True, ceiling=ceiling), (*layer, None, None, None, None)),
        (Backward(window, masked=True, ceiling=0.5), (*layer, None, None, some(*y), some(*y), *[None] * 8)),
    ]


def pools(x: tuple[int, ...], size: Pair, window: Window) -> list[tuple[Call, Arrays]]:
    """Every pooling kernel, on maps with equal values among them."""
    rng = np.random.default_rng(0)
    how = ((x[1], x[2]), size, window)
    maps = jnp.asarray(np.round(rng.normal(size=x)), jnp.float32)
    dy = jnp.asarray(rng.normal(size=window.outputs(x, (*size, 1, x[3]))), jnp.float32)
    averages = [
        (kind(*how, whole), (given,))
        for kind, given in ((AveragePool, maps), (AveragePoolBack, dy))
        for whole in (False, True)
    ]
    first = jnp.asarray(rng.integers(0, math.prod(size), dy.shape), jnp.uint8)
    return [(MaxPool(*how), (maps,)), (MaxPoolBack(*how), (first, dy)), *averages]


def wrong(library: str) -> list[str]:
    """The calls whose results differ from XLA's."""
    found = []
    for tried in (*starmap(cases, SHAPES), *starmap(pools, POOLS)):
        calls, arrays = zip(*tried, strict=True)

        def both(arrays: Any, calls: tuple[Call, ...] = calls) -> list[tuple[Arrays, Arrays]]:
            pairs = zip(calls, arrays, strict=True)
            return [(called(library, call, given), call.reference(*given)) for call, given in pairs]

        for call, given, pair in zip(calls, arrays, jax.jit(both)(arrays), strict=True):
            results = zip(*map(jax.tree.leaves, pair), strict=True)
            if not all(np.abs(one - other).max() <= TOLERANCE * np.abs(other).max() for one, other in results):
                found.append(f"{call} of {[array.shape for array in given if array is not None]}")
    return found


def main() -> None:
    """Prints the vector width, or exits with an error."""
    jax.config.update("jax_platforms", "cpu")
    width = register(Path(sys.argv[1]), KEY)
    for line in wrong(KEY):
        sys.exit(f"error: other numbers than XLA's: {line}")
    print(width)


if __name__ == "__main__":
    main()
