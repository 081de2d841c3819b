"""Random changes of colours: hue, saturation and value (Smith 1978, Color Gamut Transform Pairs)."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ..randomness import at
from .settings import AugmentSettings

COLOURS = 6
"""The draw of an example's key; see `src/data/augment.py`."""


def recoloured(
    images: Float[Array, "b h w 3"], keys: Key[Array, "b"], settings: AugmentSettings
) -> Float[Array, "b h w 3"]:
    """Images in other colours, each by a key of its own: all its pixels turn and change by the same numbers.

    Args:
        images: red, green and blue from 0 to 1.
        keys: one for each image.
        settings: the largest changes.
    """
    return jax.vmap(partial(_recoloured, settings=settings))(images, keys)


def _recoloured(image: Float[Array, "h w 3"], key: Key[Array, ""], *, settings: AugmentSettings) -> Array:
    turn, saturation, value = jax.random.uniform(at(key, COLOURS), (3,), minval=-1, maxval=1)
    h, s, v = hsv(image)
    s = jnp.minimum(s * settings.saturation**saturation, 1)
    v = jnp.minimum(v * settings.exposure**value, 1)
    return rgb(h + settings.hue * turn, s, v)


def hsv(image: Float[Array, "*n 3"]) -> tuple[Float[Array, "*n"], Float[Array, "*n"], Float[Array, "*n"]]:
    """Hue, of which the whole circle is 1, saturation and value; the hue of grey is 0, the saturation of black too."""
    red, green, blue = jnp.moveaxis(image, -1, 0)
    value = image.max(-1)
    spread = value - image.min(-1)
    safe = jnp.where(spread > 0, spread, 1)
    sixths = jnp.where(
        value == red,
        (green - blue) / safe,
        jnp.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = jnp.where(spread > 0, sixths / 6 % 1, 0)
    return hue, jnp.where(value > 0, spread / jnp.where(value > 0, value, 1), 0), value


def rgb(hue: Float[Array, "h w"], saturation: Float[Array, "h w"], value: Float[Array, "h w"]) -> Float[Array, "h w 3"]:
    """The colours of given hue, saturation and value; whole turns of the hue change nothing."""
    places = (hue[..., None] * 6 + jnp.array([5.0, 3.0, 1.0])) % 6
    less = jnp.clip(jnp.minimum(places, 4 - places), 0, 1)
    return value[..., None] * (1 - saturation[..., None] * less)
