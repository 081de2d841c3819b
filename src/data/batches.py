"""Batches on the device: examples stay there as bytes, and are ordered, normalized and changed inside the step."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num, UInt8, UInt16

from ..config.errors import UserError
from ..randomness import Scalar, at
from .augment import augmented
from .examples import Split
from .mixing import mixed
from .settings import AugmentSettings, Normalization

AnyArray = Array | np.ndarray
MIXING = 3
NETWORK = 4
"""Draws of an example's key: its share of a mixture, and what the network needs; `augmented` takes the first three."""


class Batch(NamedTuple):
    """Examples for one device.

    Attributes:
        images: normalized pixels; of texts, the numbers of their words.
        labels: classes.
        weights: 1 for an example that counts, 0 for one that only fills the batch up.
        mixing_targets: classes of the images that were mixed in, if any were.
        shares: how much of each image is its own.
        keys: randomness of each example that is left for the network; training batches have it.
    """

    images: Float[Array, "b h w c"] | Int[Array, "b length"]
    labels: Int[Array, "b"]
    weights: Float[Array, "b"]
    mixing_targets: Int[Array, "b"] | None = None
    mixing_weights: Float[Array, "b"] | None = None
    keys: Key[Array, "b"] | None = None


class Constants(NamedTuple):
    """What is subtracted from pixels, and what they are then divided by."""

    mean: Float[AnyArray, "..."]
    std: Float[AnyArray, "..."]


class DeviceDataset(NamedTuple):
    """A split in device memory, with the constants of its normalization if it has one."""

    images: UInt8[AnyArray, "n h w c"] | UInt16[AnyArray, "n length"]
    labels: Int[AnyArray, "n"]
    constants: Constants | None


class ShuffleOrder(NamedTuple):
    """The order of two epochs in a row, so that a batch may begin in one and end in the next.

    Attributes:
        order: which example stands at each place.
        first_epoch: number of the first of the two.
    """

    order: Int[Array, "two_n"]
    first_epoch: Int[Array, ""]


def normalization(
    kind: Normalization, images: UInt8[np.ndarray, "n h w c"] | UInt16[np.ndarray, "n length"]
) -> Constants | None:
    """The constants of a normalization, computed from the training images; texts have none."""
    if images.ndim == 2:
        return None
    if kind == "none":
        return Constants(np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32))
    if kind == "pixel":
        mean = images.mean(axis=0, dtype=np.float64).astype(np.float32)
        return Constants(mean, np.full((1, 1, 1), 255, np.float32))
    if kind == "unit":
        return Constants(np.zeros((1, 1, 1), np.float32), np.full((1, 1, 1), 255, np.float32))
    values = np.stack([np.bincount(images[..., c].ravel(), minlength=256) for c in range(images.shape[-1])])
    levels = np.arange(256)
    mean = values @ levels / values.sum(axis=1)
    variance = values @ levels**2 / values.sum(axis=1) - mean**2
    std = np.sqrt(np.maximum(variance, 1.0))
    return Constants(*(values.astype(np.float32).reshape(1, 1, -1) for values in (mean, std)))


def device_dataset(split: Split, constants: Constants | None) -> DeviceDataset:
    """A split and its normalization as host arrays, ready to be put on devices."""
    return DeviceDataset(split.images, split.labels, constants)


@partial(jax.jit, static_argnames="examples")
def shuffle_order(key: Key[Array, ""], first_epoch: Scalar, examples: int) -> ShuffleOrder:
    """The order of examples in an epoch and the next one; each depends on the key and its own number alone."""
    order = [jax.random.permutation(at(key, first_epoch + k), examples) for k in range(2)]
    return ShuffleOrder(jnp.concatenate(order), jnp.asarray(first_epoch, jnp.int32))


class Batching(NamedTuple):
    """What training batches are made by.

    Attributes:
        batch_size: examples in a whole batch, on all devices together.
        augment: random changes, or none.
        key: the stream of randomness for them; they depend on the epoch and the example alone.
    """

    batch_size: int
    augment: AugmentSettings | None
    key: Key[Array, ""]


def training_batch(
    data: DeviceDataset, order: ShuffleOrder, step: Scalar, part: Int[Array, "b"], batching: Batching
) -> Batch:
    """Takes a part of a batch from the endless stream of epochs.

    Epochs follow each other without a gap, so that every example is seen once an epoch and every batch is full. An
    image is mixed with the one that stands as far from the end of the whole batch as it stands from the beginning, and
    the one in the middle of an odd batch with the next. Both are made from the stored examples, so that devices need
    not exchange them.

    Args:
        data: the training split.
        order: the two epochs that hold the examples.
        step: number of the batch.
        part: which places of the batch are wanted.
        batching: how batches are made.
    """
    augment = batching.augment
    images, chosen, keys = _changed(data, order, step * batching.batch_size + part, batching)
    own = jax.vmap(lambda key: at(key, NETWORK))(keys)
    batch = Batch(images, data.labels[chosen], jnp.ones(len(part)), keys=own)
    if augment is None or not augment.mixes:
        return batch
    opposite = batching.batch_size - 1 - part
    opposite = jnp.where(opposite == part, part + 1, opposite)
    others, other, _ = _changed(data, order, step * batching.batch_size + opposite, batching)
    images, shares = mixed(images, others, jax.vmap(lambda key: at(key, MIXING))(keys), augment)
    return batch._replace(images=images, mixing_targets=data.labels[other], mixing_weights=shares)


def _changed(
    data: DeviceDataset, order: ShuffleOrder, places: Int[Array, "b"], batching: Batching
) -> tuple[Num[Array, "b ..."], Int[Array, "b"], Key[Array, "b"]]:
    """The images at the given places of the stream after their random changes, their numbers, and their keys."""
    examples = len(data.labels)
    chosen = order.order[places - order.first_epoch * examples]
    keys = jax.vmap(partial(at, batching.key))(places // examples, chosen)
    images = normalized(data, data.images[chosen])
    if batching.augment is not None and data.constants is not None:
        black = jnp.broadcast_to(-data.constants.mean / data.constants.std, images.shape[1:])
        images = augmented(images, keys, batching.augment, black)
    return images, chosen, keys


def evaluation_batch(data: DeviceDataset, first: int, size: int) -> Batch:
    """Takes `size` examples in their stored order, or fewer where the split ends before; not for compiled functions.

    Raises:
        UserError: there are none.
    """
    split = len(data.labels)
    if not (0 <= first < split and size > 0):
        raise UserError(f"first={first}, size={size}: there are no such examples; the split has {split}, from 0 on")
    return take(data, jnp.arange(first, min(first + size, split)))


def filled_batch(data: DeviceDataset, first: Scalar, size: int) -> Batch:
    """Takes `size` examples in their stored order and always so many, as compiled functions need it.

    Past the end the last example is repeated with weight 0, so whatever is computed of a batch has to heed its weights.
    """
    places = first + jnp.arange(size)
    last = len(data.labels) - 1
    return take(data, jnp.minimum(places, last))._replace(weights=(places <= last).astype(jnp.float32))


def take(data: DeviceDataset, chosen: Int[Array, "b"]) -> Batch:
    """Takes the examples with the given numbers, which have to be of the split."""
    return Batch(normalized(data, data.images[chosen]), data.labels[chosen], jnp.ones(len(chosen)))


def normalized(
    data: DeviceDataset, images: UInt8[Array, "b h w c"] | UInt16[Array, "b length"]
) -> Float[Array, "b h w c"] | Int[Array, "b length"]:
    """Pixels less the mean, over the deviation; the numbers of words as they are."""
    if data.constants is None:
        return images.astype(jnp.int32)
    return (images - data.constants.mean) / data.constants.std
