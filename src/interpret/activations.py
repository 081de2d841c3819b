"""How the maps of a layer change with depth: how many values are active, and how much they are like the image.

Chapter Figs 46 and 47: the maps of the first layers outline what is in the image; those of the last ones do not
resemble it, and few of their values are active.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from ..training.batched import in_batches
from .layers import Reader

ACTIVE = 0.01
"""A value is active above this share of the largest value that the layer has for the image."""


class Activity(NamedTuple):
    """What the maps of a layer are like, for each image.

    Attributes:
        zeros: share of the values that are exactly 0, as a ReLU makes them.
        inactive: share of the values that are at most 1 % of the layer's largest for this image; values below zero, as
            layers before a ReLU have them, are therefore inactive, and all are where none is above zero.
        likeness: size of the correlation of a map with the image, a mean over the maps.
        chance: the same with another image, the next one; NaN for one image alone.
    """

    zeros: Float[np.ndarray, "n"]
    inactive: Float[np.ndarray, "n"]
    likeness: Float[np.ndarray, "n"]
    chance: Float[np.ndarray, "n"]


def activity(read: Reader, images: Num[np.ndarray, "n h w c"], batch_size: int = 64) -> dict[str, Activity]:
    """Measures the maps of every layer on every image, in batches.

    Maps are enlarged to the size of the image and correlated with its brightness, as one compares them by eye. The
    other way, the image made as small as the map, would compare a map of 2x2 with four numbers, and by chance anything
    is like four numbers. Enlarged maps have a correlation by chance too, if a smaller one, so that with another image
    is measured beside it. A map of one value everywhere is like nothing: 0.

    Args:
        read: gives the layers, all of which have maps, of images as they are here.
        images: as they are stored.
        batch_size: images at a time; memory grows with it alone.
    """

    @jax.jit
    def measure(maps: Float[Array, "b h2 w2 d"], own: Array, other: Array) -> tuple[Array, ...]:
        values = maps.astype(jnp.float32).reshape(len(maps), -1)
        top = jnp.maximum(values.max(axis=1, keepdims=True), 0)
        small = (values <= ACTIVE * top).mean(axis=1)
        return (values == 0).mean(axis=1), small, likeness(maps, own), likeness(maps, other)

    def of_batch(given: tuple[np.ndarray, np.ndarray]) -> dict[str, tuple[Array, ...]]:
        own, other = (brightness(each) for each in given)
        return {name: measure(maps, own, other) for name, maps in read(given[0]).items()}

    found = in_batches(of_batch, (images, np.roll(images, -1, axis=0)), batch_size)
    alone = np.nan if len(images) == 1 else 0
    return {
        name: Activity(zeros, inactive, own, other + alone) for name, (zeros, inactive, own, other) in found.items()
    }


def brightness(images: Num[Array | np.ndarray, "b h w c"]) -> Float[Array, "b h w"]:
    """The mean of the channels."""
    return jnp.asarray(images, jnp.float32).mean(axis=-1)


def likeness(maps: Float[Array, "b h2 w2 d"], grey: Float[Array, "b h w"]) -> Float[Array, "b"]:
    """The size of the correlation of maps, enlarged to the size of the image, with it: the mean over the maps."""
    count, height, width = grey.shape
    large = jax.image.resize(maps.astype(jnp.float32), (count, height, width, maps.shape[-1]), "linear")
    maps, image = large.reshape(count, height * width, -1), grey.reshape(count, height * width, 1)
    maps, image = (each - each.mean(axis=1, keepdims=True) for each in (maps, image))
    both = jnp.sqrt((maps**2).sum(axis=1) * (image**2).sum(axis=1))
    shared = jnp.abs((maps * image).sum(axis=1))
    return jnp.where(both > 0, shared / jnp.where(both > 0, both, 1), 0).mean(axis=1)
