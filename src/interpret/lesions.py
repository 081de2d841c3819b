"""Removes or swaps modules of a trained network.

Veit, Wilber, Belongie 2016 (arXiv:1605.06431), section 4. Neither needs recompilation: whether a module is present is a
value in the network's state, and a network with swapped modules of equal structure has the same graph definition.
"""

from collections.abc import Collection, Sequence
from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Key

from ..config.errors import UserError
from ..data.batches import Batch, DeviceDataset
from ..layers.blocks import ConvNorm, Identity
from ..models.resnet_cifar_preact import PreActivationBlock, PreActivationResNet
from ..models.vgg import VGG
from ..tasks.base import Sums, TaskSettings, sum_over_batches

BATCH = 500
"""Largest number of images per batch."""


class Kept(nnx.Variable[Bool[Array, ""]]):
    """Whether a layer is present."""


class Removable(nnx.Module):
    """A layer that can be removed.

    Attributes:
        layer: the layer.
        instead: its replacement when it is removed.
        kept: whether the layer is present.
    """

    def __init__(self, layer: nnx.Module, instead: nnx.Module) -> None:
        self.layer, self.instead = layer, instead
        self.kept = Kept(jnp.array(True))

    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, "b ..."]:
        return jnp.where(self.kept[...], self.layer(x), self.instead(x))


class Nothing(nnx.Module):
    """Returns zero."""

    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, ""]:
        return jnp.zeros((), x.dtype)


def make_removable(network: nnx.Module) -> list[Removable]:
    """Makes the modules of a network removable, in place, and returns them in forward order.

    In a residual network these are the branches of all blocks; the shortcuts stay. In a network without shortcuts they
    are the modules with equal input and output shapes: blocks of a plain network, or convolutions of a VGG network,
    whose ReLU then has no effect, since its input is not negative.

    Raises:
        UserError: the network is of another kind.
    """
    if isinstance(network, VGG):
        convs = [(stage.convs, place) for stage in network.stages for place in range(len(stage.convs))]
        return [_skippable(*each) for each in convs if _keeps_channels(each[0][each[1]])]
    if isinstance(network, PreActivationResNet) and not _residual(network):
        blocks = enumerate(network.blocks)
        return [_skippable(network.blocks, place) for place, block in blocks if _keeps_shape(block)]
    for block in residual_blocks(network):
        block.branch = Removable(block.branch, Nothing())
    return [block.branch for block in residual_blocks(network)]


def residual_blocks(network: nnx.Module) -> nnx.List:
    """The blocks of a network in which each has a branch and a shortcut.

    Raises:
        UserError: the network has none.
    """
    if not isinstance(network, PreActivationResNet) or not _residual(network):
        raise UserError("branches and shortcuts are told apart in resnet_preact and wide_resnet with shortcuts only")
    return network.blocks


def _residual(network: PreActivationResNet) -> bool:
    return all(block.shortcut is not None for block in network.blocks)


def _skippable(layers: nnx.List, place: int) -> Removable:
    layers[place] = Removable(layers[place], Identity())
    return layers[place]


def _keeps_channels(layer: nnx.Conv | ConvNorm) -> bool:
    conv = layer.conv if isinstance(layer, ConvNorm) else layer
    return conv.in_features == conv.out_features


def _keeps_shape(block: PreActivationBlock) -> bool:
    return not block.halves and block.norm.num_features == block.branch.last.out_features


def take_out(layers: Sequence[Removable], numbers: Collection[int]) -> None:
    """Removes the layers with these indices, and restores all others."""
    for number, layer in enumerate(layers):
        layer.kept[...] = jnp.array(number not in numbers)


def random_modules(modules: int, count: int, key: Key[Array, ""]) -> list[int]:
    """The indices of `count` different random modules."""
    return jax.random.permutation(key, modules)[:count].tolist()


def like_pairs(network: nnx.Module) -> list[tuple[int, int]]:
    """All pairs of blocks that can be swapped: those of equal structure, so of one stage and without down-sampling."""
    definitions = [nnx.graphdef(block) for block in residual_blocks(network)]
    return [pair for pair in combinations(range(len(definitions)), 2) if definitions[pair[0]] == definitions[pair[1]]]


def swapped(blocks: int, pairs: Sequence[tuple[int, int]], count: int, key: Key[Array, ""]) -> list[int]:
    """The order of blocks after `count` swaps of random pairs."""
    order = list(range(blocks))
    for number in jax.random.randint(key, (count,), 0, len(pairs)).tolist():
        one, other = pairs[number]
        order[one], order[other] = order[other], order[one]
    return order


def reordered(network: PreActivationResNet, order: Sequence[int]) -> PreActivationResNet:
    """The network with its blocks in another order; it shares them with the original."""
    changed = nnx.clone(network, variables=False)
    changed.blocks = nnx.List([changed.blocks[number] for number in order])
    return changed


def error(network: nnx.Module, task: TaskSettings, data: DeviceDataset) -> float:
    """The error on a split in percent; networks of one structure share a compiled program."""
    sums = jax.device_get(_sums(network, task, data))
    return 100 * (1 - task.summary(sums, detailed=False)["accuracy"])


@partial(jax.jit, static_argnames="task")
def _sums(network: nnx.Module, task: TaskSettings, data: DeviceDataset) -> Sums:
    def of_batch(batch: Batch) -> Sums:
        return task.sums(network(batch.inputs), batch, detailed=False)

    return sum_over_batches(of_batch, data, min(BATCH, data.examples))
