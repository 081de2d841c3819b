"""Batches on the device: examples stay there as bytes, and are ordered, normalized and changed inside the step."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt8

from src.data.augment import augmented
from src.data.examples import Split
from src.data.settings import AugmentSettings, Normalization
from src.randomness import Scalar, at

AnyArray = Array | np.ndarray


class Batch(NamedTuple):
    """Examples for one device.

    Attributes:
        images: normalized pixels.
        labels: classes.
        weights: 1 for an example that counts, 0 for one that only fills the batch up.
    """

    images: Float[Array, "b h w c"]
    labels: Int[Array, "b"]
    weights: Float[Array, "b"]


class Resident(NamedTuple):
    """A split in device memory, with the constants of its normalization."""

    images: UInt8[AnyArray, "n h w c"]
    labels: Int[AnyArray, "n"]
    mean: Float[AnyArray, "..."]
    deviation: Float[AnyArray, "..."]


class Window(NamedTuple):
    """The order of two epochs in a row, so that a batch may begin in one and end in the next.

    Attributes:
        order: which example stands at each place.
        first_epoch: number of the first of the two.
    """

    order: Int[Array, "two_n"]
    first_epoch: Int[Array, ""]


def normalization(
    kind: Normalization, images: UInt8[np.ndarray, "n h w c"]
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """What is subtracted from pixels, and what they are then divided by, computed from the training images."""
    if kind == "pixel":
        return images.mean(axis=0, dtype=np.float64).astype(np.float32), np.full((1, 1, 1), 255, np.float32)
    if kind == "unit":
        return np.zeros((1, 1, 1), np.float32), np.full((1, 1, 1), 255, np.float32)
    values = np.stack([np.bincount(images[..., c].ravel(), minlength=256) for c in range(images.shape[-1])])
    levels = np.arange(256)
    mean = values @ levels / values.sum(axis=1)
    variance = values @ levels**2 / values.sum(axis=1) - mean**2
    deviation = np.sqrt(np.maximum(variance, 1.0))
    return mean.astype(np.float32).reshape(1, 1, -1), deviation.astype(np.float32).reshape(1, 1, -1)


def resident(split: Split, constants: tuple[np.ndarray, np.ndarray]) -> Resident:
    """A split and its normalization as host arrays, ready to be put on devices."""
    return Resident(split.images, split.labels, *constants)


@partial(jax.jit, static_argnames="examples")
def window(key: Key[Array, ""], first_epoch: Scalar, examples: int) -> Window:
    """The order of examples in an epoch and the next one; each depends on the key and its own number alone."""
    order = [jax.random.permutation(at(key, first_epoch + k), examples) for k in range(2)]
    return Window(jnp.concatenate(order), jnp.asarray(first_epoch, jnp.int32))


def training_batch(
    data: Resident, order: Window, position: Scalar, size: int, augment: AugmentSettings | None, key: Key[Array, ""]
) -> Batch:
    """Takes `size` examples of the endless stream of epochs.

    Args:
        data: the training split.
        order: the two epochs that hold the examples.
        position: place of the first example in the stream; epochs follow each other without a gap, so that every
            example is seen once an epoch and every batch is full.
        size: number of examples.
        augment: random changes; they depend on the epoch and the example alone.
        key: the stream of randomness for them.
    """
    examples = len(data.labels)
    places = position + jnp.arange(size)
    chosen = order.order[places - order.first_epoch * examples]
    images = normalized(data, data.images[chosen])
    if augment is not None:
        keys = jax.vmap(partial(at, key))(places // examples, chosen)
        black = jnp.broadcast_to(-data.mean / data.deviation, images.shape[1:])
        images = augmented(images, keys, augment, black)
    return Batch(images, data.labels[chosen], jnp.ones(size))


def evaluation_batch(data: Resident, first: Scalar, size: int) -> Batch:
    """Takes `size` examples in their stored order; those past the end repeat the last one with weight 0."""
    places = first + jnp.arange(size)
    last = len(data.labels) - 1
    chosen = jnp.minimum(places, last)
    return Batch(normalized(data, data.images[chosen]), data.labels[chosen], (places <= last).astype(jnp.float32))


def normalized(data: Resident, images: UInt8[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """Pixels less the mean, over the deviation."""
    return (images - data.mean) / data.deviation
