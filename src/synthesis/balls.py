"""The balls of pixels that an attack stays in: those at most epsilon from an image, and inside the pixel range.

Numbers are float32. Whatever is computed is rounded towards the image, so that the exact distance is never larger than
epsilon.
"""

import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, UInt8

from ..randomness import at

Norm = Literal["linf", "l2"]
"""The largest change of a number, or the root of the sum of the squares of all changes."""

Pixels = Float[Array, "b h w c"]
LEVELS = 255
TINY = 1e-30
SAFE = 1 - 1e-5
"""More than a norm in float32 is wrong by."""


def moved(images: Pixels, change: Pixels, epsilon: Float[Array, ""], norm: Norm) -> Pixels:
    """The images after a change, which is made smaller where it leads out of the ball or the pixel range."""
    if norm == "linf":
        change = jnp.clip(change, -epsilon, epsilon)
    else:
        change *= jnp.minimum(1, SAFE * epsilon / jnp.maximum(lengths(change), TINY))
    # The sum may be rounded away from the image; the next number towards it is not.
    return jnp.clip(jnp.nextafter(images + change, images), 0, 1)


def steepest(gradient: Pixels, norm: Norm) -> Pixels:
    """The change of norm 1 along which a function with this gradient rises most; zero where the gradient is."""
    if norm == "linf":
        return jnp.sign(gradient)
    # Squares of small gradients would be zero.
    largest = jnp.abs(gradient).max(axis=(1, 2, 3), keepdims=True)
    scaled = gradient / jnp.where(largest > 0, largest, 1)
    return scaled / jnp.maximum(lengths(scaled), TINY)


def random_change(images: Pixels, epsilon: Float[Array, ""], norm: Norm, keys: Key[Array, "b"]) -> Pixels:
    """A change drawn evenly from the ball, without heed of the pixel range.

    Args:
        images: of which only the shape matters.
        epsilon: radius of the ball.
        norm: of the ball.
        keys: one for each image.
    """
    shape = images.shape[1:]
    if norm == "linf":
        return epsilon * jax.vmap(lambda key: jax.random.uniform(key, shape, minval=-1, maxval=1))(keys)
    directions = jax.vmap(lambda key: jax.random.normal(at(key, 0), shape))(keys)
    radii = jax.vmap(lambda key: jax.random.uniform(at(key, 1)))(keys) ** (1 / math.prod(shape))
    return directions / lengths(directions) * (epsilon * radii)[:, None, None, None]


def lengths(change: Pixels) -> Float[Array, "b 1 1 1"]:
    """The root of the sum of squares, for each image."""
    return jnp.sqrt((change**2).sum(axis=(1, 2, 3), keepdims=True))


def as_bytes(
    changed: Float[np.ndarray, "n h w c"], images: UInt8[np.ndarray, "n h w c"], epsilon: float, norm: Norm
) -> UInt8[np.ndarray, "n h w c"]:
    """Changed images as they would be stored, rounded so that they stay in the ball.

    Args:
        changed: images from 0 to 1 in the ball around the stored ones.
        images: as they are stored.
        epsilon: radius of the ball.
        norm: of the ball.
    """
    change = LEVELS * changed.astype(np.float64) - images
    if norm == "l2":
        return (images + np.trunc(change)).astype(np.uint8)
    whole = math.floor(LEVELS * epsilon + 1e-6)
    return (images + np.clip(np.rint(change), -whole, whole)).astype(np.uint8)


def rounded_down(epsilon: float) -> np.float32:
    """The largest float32 that is not larger."""
    rounded = np.float32(epsilon)
    return rounded if float(rounded) <= epsilon else np.nextafter(rounded, np.float32(0))
