"""Equivariance and invariance of a network's outputs under shifts of the image (chapter Figs 3 and 4).

Equivariance: the map of a shifted image is the shifted map. Invariance: it is the same map.
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
    """Images or maps shifted cyclically to the right; the margin that wraps around should be empty."""
    return jnp.roll(maps, pixels, axis=2)


def equivariance_gap(network: Network, images: Float[Array, "b h w c"], pixels: int, stride: int) -> float:
    """Relative distance between the maps of shifted images and the shifted maps; 0 is equivariance.

    Args:
        network: outputs maps.
        images: with margins.
        pixels: shift to the right.
        stride: of the maps in pixels; they are shifted by the nearest whole number of steps.
    """
    maps = network(images)
    return _relative(network(moved(images, pixels)), moved(maps, round(pixels / stride)), maps)


def change(network: Network, images: Float[Array, "b h w c"], pixels: int) -> float:
    """Relative distance between the outputs for shifted and original images; 0 is invariance."""
    outputs = network(images)
    return _relative(network(moved(images, pixels)), outputs, outputs)


def _relative(found: Array, expected: Array, scale: Array) -> float:
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(scale))
