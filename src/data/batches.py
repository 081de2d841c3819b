"""Batches on the device: examples stay there as bytes, and are ordered, normalized and changed inside the step."""

from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num, UInt8, UInt16

from ..config.errors import UserError
from ..randomness import Scalar, at
from .augment import Moves, augmented, draw_moves
from .colours import recoloured
from .examples import DataSpec, Split, is_shape
from .mixing import mixed
from .settings import AugmentSettings, Normalization

AnyArray = Array | np.ndarray
Tree = Any
Targets = dict[str, Any]
"""Arrays by name."""
MIXING = 3
NETWORK = 4
"""Draws of an example's key: its share of a mixture, and what the network needs; changes of images take the others."""

WHITE = 255
"""The brightest pixel."""


class Batch(NamedTuple):
    """Examples for one device.

    Attributes:
        inputs: a tree that the network takes: normalized pixels `b h w c`, or numbers of words `b length`.
        targets: what is to be learnt of each example, by name.
        weights: 1 for an example that counts, 0 for one that only fills the batch up.
        keys: randomness of each example that is left for the network; training batches have it.
    """

    inputs: Tree
    targets: Targets
    weights: Float[Array, "b"]
    keys: Key[Array, "b"] | None = None


class Constants(NamedTuple):
    """What is subtracted from pixels, and what they are then divided by."""

    mean: Float[AnyArray, "..."]
    std: Float[AnyArray, "..."]


class DeviceDataset(NamedTuple):
    """A split in device memory.

    Attributes:
        inputs: a tree of arrays.
        targets: by name.
        constants: of the normalization of every input; None for one that has none.
    """

    inputs: Tree
    targets: Targets
    constants: Tree

    @property
    def examples(self) -> int:
        """The number of examples."""
        return len(jax.tree.leaves(self.inputs)[0])


class ShuffleOrder(NamedTuple):
    """The order of two epochs in a row, so that a batch may begin in one and end in the next.

    Attributes:
        order: which example stands at each place.
        first_epoch: number of the first of the two.
    """

    order: Int[Array, "two_n"]
    first_epoch: Int[Array, ""]


class TargetChanges(Protocol):
    """What happens to targets where inputs are changed."""

    def moved(self, targets: Targets, moves: Moves) -> Targets:
        """The targets of images that are moved."""

    def mixed(self, targets: Targets, others: Targets, weights: Float[Array, "b"]) -> Targets:
        """The targets of mixtures of two images, of which the first has the given weight."""


def normalization(
    kind: Normalization, images: UInt8[np.ndarray, "n h w c"] | UInt16[np.ndarray, "n length"]
) -> Constants | None:
    """The constants of a normalization, computed from the training images; texts have none.

    Raises:
        UserError: they are those of pretrained weights.
    """
    if images.ndim == 2:
        return None
    if kind == "pretrained":
        raise UserError("data.normalize=pretrained is that of pretrained weights, and there are none here")
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


def device_dataset(split: Split, constants: Tree) -> DeviceDataset:
    """A split and its normalization as host arrays, ready to be put on devices."""
    return DeviceDataset(split.inputs, {**split.targets}, constants)


def example_batch(spec: DataSpec, size: int) -> Batch:
    """A batch of zeros in the shapes of a data set."""
    inputs = jax.tree.map(
        lambda shape: jnp.zeros((size, *shape), jnp.int32 if len(shape) == 1 else jnp.float32),
        spec.shape,
        is_leaf=is_shape,
    )
    targets = {name: jnp.zeros((size, *each.shape), each.dtype) for name, each in spec.targets.items()}
    return Batch(inputs, targets, jnp.ones(size))


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
        changes: of targets, where inputs are changed.
    """

    batch_size: int
    augment: AugmentSettings | None
    key: Key[Array, ""]
    changes: TargetChanges


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
    inputs, targets, keys = _changed(data, order, step * batching.batch_size + part, batching)
    batch = Batch(inputs, targets, jnp.ones(len(part)), jax.vmap(lambda key: at(key, NETWORK))(keys))
    if augment is None or not augment.mixes:
        return batch
    opposite = batching.batch_size - 1 - part
    opposite = jnp.where(opposite == part, part + 1, opposite)
    others, other_targets, _ = _changed(data, order, step * batching.batch_size + opposite, batching)
    inputs, weights = mixed(inputs, others, jax.vmap(lambda key: at(key, MIXING))(keys), augment)
    return batch._replace(inputs=inputs, targets=batching.changes.mixed(targets, other_targets, weights))


def _changed(
    data: DeviceDataset, order: ShuffleOrder, places: Int[Array, "b"], batching: Batching
) -> tuple[Tree, Targets, Key[Array, "b"]]:
    """Inputs and targets at the given places of the stream after their random changes, and their keys."""
    chosen = order.order[places - order.first_epoch * data.examples]
    keys = jax.vmap(partial(at, batching.key))(places // data.examples, chosen)
    batch = take(data, chosen)
    if batching.augment is None:
        return batch.inputs, batch.targets, keys
    moves = draw_moves(keys, batching.augment, image_size(batch.inputs))
    changed = partial(_augmented, keys=keys, moves=moves, settings=batching.augment)
    inputs = jax.tree.map(changed, batch.inputs, data.constants)
    return inputs, batching.changes.moved(batch.targets, moves), keys


def _augmented(
    images: Num[Array, "b ..."], constants: Constants | None, keys: Key[Array, "b"], moves: Moves,
    settings: AugmentSettings,
) -> Num[Array, "b ..."]:  # fmt: skip
    """Images with their random changes; other inputs as they are."""
    if constants is None:
        return images
    if settings.recolours:
        pixels = images * constants.std + constants.mean
        recolored = WHITE * recoloured(jnp.clip(pixels / WHITE, 0, 1), keys, settings)
        images = (recolored - constants.mean) / constants.std
    black = jnp.broadcast_to(-constants.mean / constants.std, images.shape[1:])
    return augmented(images, keys, moves, settings, black)


def image_size(inputs: Tree) -> tuple[int, int]:
    """Height and width of the images of a batch, the first of several; zeros where there are none."""
    sizes = [array.shape[1:3] for array in jax.tree.leaves(inputs) if array.ndim == 4]
    height, width = sizes[0] if sizes else (0, 0)
    return height, width


def evaluation_batch(data: DeviceDataset, first: int, size: int) -> Batch:
    """Takes `size` examples in their stored order, or fewer where the split ends before; not for compiled functions.

    Raises:
        UserError: there are none.
    """
    split = data.examples
    if not (0 <= first < split and size > 0):
        raise UserError(f"first={first}, size={size}: there are no such examples; the split has {split}, from 0 on")
    return take(data, jnp.arange(first, min(first + size, split)))


def filled_batch(data: DeviceDataset, first: Scalar, size: int) -> Batch:
    """Takes `size` examples in their stored order and always so many, as compiled functions need it.

    Past the end the last example is repeated with weight 0, so whatever is computed of a batch has to heed its weights.
    """
    places = first + jnp.arange(size)
    last = data.examples - 1
    return take(data, jnp.minimum(places, last))._replace(weights=(places <= last).astype(jnp.float32))


def take(data: DeviceDataset, chosen: Int[Array, "b"]) -> Batch:
    """Takes the examples with the given numbers, which have to be of the split."""
    inputs, targets = jax.tree.map(lambda array: array[chosen], (data.inputs, data.targets))
    return Batch(jax.tree.map(normalized, inputs, data.constants), targets, jnp.ones(len(chosen)))


def normalized(
    images: UInt8[AnyArray, "b h w c"]
    | UInt16[AnyArray, "b length"]
    | Float[AnyArray, "b n"]
    | Float[AnyArray, "b h w c"],
    constants: Constants | None,
) -> Float[AnyArray, "b ..."] | Int[AnyArray, "b length"]:
    """Pixels less the mean, over the standard deviation; the numbers of words and features as they are."""
    if constants is None:
        return images if jnp.issubdtype(images.dtype, jnp.floating) else images.astype(jnp.int32)
    return (images - constants.mean) / constants.std
