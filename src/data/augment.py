"""Random changes of training images, inside the compiled step."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from .settings import AugmentSettings

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
    crop_keys, flip_keys, cutout_keys = jnp.moveaxis(jax.vmap(partial(jax.random.split, num=3))(keys), 1, 0)
    fill = black if settings.fill == "black" else jnp.zeros_like(black)
    if settings.crop:
        images = jax.vmap(partial(_cropped, padding=settings.crop, fill=fill))(images, crop_keys)
    if settings.flip:
        images = jax.vmap(_flipped)(images, flip_keys)
    if settings.cutout:
        images = jax.vmap(partial(_cut_out, size=settings.cutout, fill=fill))(images, cutout_keys)
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


def _cut_out(image: Image, key: Key[Array, ""], *, size: int, fill: Image) -> Image:
    """The image without a square around a random pixel; near a border a part of the square is outside."""
    height, width, _ = image.shape
    row, column = jax.random.randint(key, (2,), 0, jnp.array([height, width]))
    top, left = row - size // 2, column - size // 2
    rows, columns = jnp.arange(height)[:, None, None], jnp.arange(width)[None, :, None]
    inside = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
    return jnp.where(inside, fill, image)
