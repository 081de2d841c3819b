"""What becomes of a network's outputs when the image moves (chapter Figs 3 and 4).

Equivariance: the map of a moved image is the moved map. Invariance: it is the same map.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

Network = Callable[[Float[Array, "b h w c"]], Float[Array, "b ..."]]

WHITE = 255


def on_canvas(images: UInt8[np.ndarray, "b h w c"], margin: tuple[int, int]) -> Float[Array, "b h2 w2 c"]:
    """Images from 0 (black) to 1 (white) with black around them, so that nothing is lost or wrapped when they move."""
    rows, columns = margin
    return jnp.pad(images / jnp.float32(WHITE), ((0, 0), (rows, rows), (columns, columns), (0, 0)))


def moved(maps: Float[Array, "b h w c"], pixels: int) -> Float[Array, "b h w c"]:
    """Images or maps moved to the right; what leaves on one side, which should be empty, comes back on the other."""
    return jnp.roll(maps, pixels, axis=2)


def equivariance_gap(network: Network, images: Float[Array, "b h w c"], pixels: int, stride: int) -> float:
    """How far the maps of moved images are from moved maps, over the norm of the maps; 0 is equivariance.

    Args:
        network: gives maps.
        images: with room to move.
        pixels: by which they move to the right.
        stride: pixels between neighbours of the maps, which move by the nearest whole number of steps.
    """
    maps = network(images)
    return _relative(network(moved(images, pixels)), moved(maps, round(pixels / stride)), maps)


def change(network: Network, images: Float[Array, "b h w c"], pixels: int) -> float:
    """How far the outputs for moved images are from those before, over their norm; 0 is invariance."""
    outputs = network(images)
    return _relative(network(moved(images, pixels)), outputs, outputs)


def _relative(found: Array, expected: Array, scale: Array) -> float:
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(scale))
