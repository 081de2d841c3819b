"""The gradient that reaches the image along single paths through a residual network.

Veit, Wilber, Belongie 2016 (arXiv:1605.06431), section 5 and Fig. 6; chapter Fig. 38. The whole network computes the
loss. In the backward pass the gradient goes only through the branch of some modules, and only along the shortcut of all
others: one of 2^n paths, whose gradients sum to the total.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key

from ..data.batches import Batch, DeviceDataset, take
from ..randomness import Scalar, at
from ..tasks.base import TaskSettings
from .lesions import residual_blocks


class Open(nnx.Variable[Bool[Array, ""]]):
    """Whether the gradient passes."""


class Gate(nnx.Module):
    """A layer with unchanged output whose gradient is zero unless the gate is open."""

    def __init__(self, layer: nnx.Module) -> None:
        self.layer = layer
        self.open = Open(jnp.array(True))

    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, "b ..."]:
        y = self.layer(x)
        return jnp.where(self.open[...], y, jax.lax.stop_gradient(y))


def add_gates(network: nnx.Module) -> None:
    """Adds gates to all branches and shortcuts.

    Args:
        network: in evaluation mode; changed in place.

    Raises:
        UserError: the network is not residual.
    """
    for block in residual_blocks(network):
        block.branch, block.shortcut = Gate(block.branch), Gate(block.shortcut)


@partial(jax.jit, static_argnames="task")
def path_gradient(
    network: nnx.Module, task: TaskSettings, batch: Batch, branches: Bool[Array, "modules"]
) -> Float[Array, "b h w c"]:
    """The gradient of the mean loss with respect to the images along one path.

    Args:
        network: with gates.
        task: computes the loss.
        batch: of images.
        branches: whether the path goes through the branch of each module.
    """
    for number, block in enumerate(residual_blocks(network)):
        block.branch.open[...] = branches[number]
        block.shortcut.open[...] = ~branches[number]

    def loss(images: Float[Array, "b h w c"]) -> Float[Array, ""]:
        return task.losses(network(images), batch).mean()

    return jax.grad(loss)(batch.inputs)


@partial(jax.jit, static_argnames=("task", "size"))
def _sampled_norm(
    network: nnx.Module,
    task: TaskSettings,
    data: DeviceDataset,
    size: int,
    length: Scalar,
    key: Key[Array, ""],
) -> Float[Array, ""]:
    """The norm of the gradient along a random path of the given length, for a random batch."""
    chosen = jax.random.choice(at(key, 0), data.examples, (size,), replace=False)
    branches = jax.random.permutation(at(key, 1), len(residual_blocks(network))) < length
    batch = take(jax.tree.map(jnp.asarray, data), chosen)
    return jnp.linalg.norm(path_gradient(network, task, batch, branches))


def sampled_norms(
    network: nnx.Module,
    task: TaskSettings,
    data: DeviceDataset,
    length: int,
    *,
    samples: int,
    size: int,
    key: Key[Array, ""],
) -> Float[np.ndarray, "samples"]:
    """Norms of the gradient at the images along random paths of one length, each for a random batch.

    Args:
        network: with gates.
        task: gives the loss.
        data: the split from which batches are drawn.
        length: branches that a path goes through.
        samples: how many paths.
        size: of a batch.
        key: of the randomness.
    """
    norms = [_sampled_norm(network, task, data, size, length, at(key, length, number)) for number in range(samples)]
    return np.array(jax.device_get(norms), np.float32)


def carrying_lengths(magnitudes: Float[np.ndarray, "lengths"], share: float) -> tuple[int, int]:
    """The shortest range of lengths with at least this share of the gradient: its first and last length.

    Args:
        magnitudes: of the total gradient along all paths of each length, from length 0 on.
        share: of their sum, from 0 to 1.
    """
    ends = np.concatenate([[0.0], np.cumsum(magnitudes, dtype=np.float64)])
    runs = [
        (last - first, -(ends[last + 1] - ends[first]), first, last)
        for first in range(len(magnitudes))
        for last in range(first, len(magnitudes))
        if ends[last + 1] - ends[first] >= share * ends[-1]
    ]
    *_, first, last = min(runs)
    return first, last
