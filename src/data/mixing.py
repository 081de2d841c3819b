"""Mixtures of two images, each with a partner from the whole batch, wherever on the devices that is."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from .settings import AugmentSettings

Image = Float[Array, "h w c"]


def mixed(
    images: Float[Array, "b h w c"], partners: Float[Array, "b h w c"], keys: Key[Array, "b"], settings: AugmentSettings
) -> tuple[Float[Array, "b h w c"], Float[Array, "b"]]:
    """Mixes every image with its partner.

    Args:
        images: the images of a batch.
        partners: another image for each of them.
        keys: one for each image.
        settings: mixup or cutmix, and the parameter of its beta distribution.

    Returns:
        The mixtures, and the share of each that is the image's own.
    """
    mix = partial(_mixup, a=settings.mixup) if settings.mixup else partial(_cutmix, a=settings.cutmix)
    return jax.vmap(mix)(images, partners, keys)


def _mixup(image: Image, partner: Image, key: Key[Array, ""], *, a: float) -> tuple[Image, Float[Array, ""]]:
    """A weighted mean; the larger share stays with the image itself, so that its label means something."""
    share = jax.random.beta(key, a, a)
    share = jnp.maximum(share, 1 - share)
    return share * image + (1 - share) * partner, share


def _cutmix(image: Image, partner: Image, key: Key[Array, ""], *, a: float) -> tuple[Image, Float[Array, ""]]:
    """A rectangle of the partner around a random pixel; the share is what is left of the image."""
    height, width, _ = image.shape
    share_key, place_key = jax.random.split(key)
    side = jnp.sqrt(1 - jax.random.beta(share_key, a, a))
    row, column = jax.random.uniform(place_key, (2,)) * jnp.array([height, width])
    rows, columns = jnp.arange(height)[:, None, None] + 0.5, jnp.arange(width)[None, :, None] + 0.5
    inside = (jnp.abs(rows - row) < side * height / 2) & (jnp.abs(columns - column) < side * width / 2)
    return jnp.where(inside, partner, image), 1 - inside.mean()
