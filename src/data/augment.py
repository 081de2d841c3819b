"""Random changes of training images, inside the compiled step."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from src.data.settings import AugmentSettings

Image = Float[Array, "h w c"]


def augmented(
    images: Float[Array, "b h w c"], keys: Key[Array, "b"], settings: AugmentSettings, black: Image
) -> Float[Array, "b h w c"]:
    """Changes every image at random, each by a key of its own, so that neighbours in the batch do not matter.

    Args:
        images: normalized images.
        keys: one for each image.
        settings: which changes.
        black: what a black image looks like after normalization.
    """
    crop_keys, flip_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
    if settings.crop:
        fill = black if settings.fill == "black" else jnp.zeros_like(black)
        images = jax.vmap(partial(_cropped, padding=settings.crop, fill=fill))(images, crop_keys)
    if settings.flip:
        images = jax.vmap(_flipped)(images, flip_keys)
    return images


def _cropped(image: Image, key: Key[Array, ""], *, padding: int, fill: Image) -> Image:
    """A window of the image's own size at a random place of the padded image."""
    border = ((padding, padding), (padding, padding), (0, 0))
    inside = jnp.pad(jnp.ones_like(image, bool), border)
    padded = jnp.where(inside, jnp.pad(image, border), jnp.pad(fill, border, mode="edge"))
    top, left = jax.random.randint(key, (2,), 0, 2 * padding + 1)
    return jax.lax.dynamic_slice(padded, (top, left, 0), image.shape)


def _flipped(image: Image, key: Key[Array, ""]) -> Image:
    """The image or its mirror image."""
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)
