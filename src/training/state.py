"""Everything that training changes, as one tree of arrays."""

import hashlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Int

from ..models.functional import Network, Tree
from ..tasks.metrics import Sums


class TrainState(NamedTuple):
    """The state of a run after some steps.

    Attributes:
        step: number of steps taken.
        parameters: what the optimizer changes, as nested dictionaries with the names of the network's attributes.
        batch_stats: what the network itself changes: running means and variances.
        optimizer: the optimizer's own state.
        average: the moving average of parameters and statistics, if one is kept.
        failed: whether a step was not finite; the state is then that before it, and stays so.
    """

    step: Int[Array, ""]
    parameters: Tree
    batch_stats: Tree
    optimizer: Tree
    average: Tree | None
    failed: Bool[Array, ""]

    def scored(self) -> tuple[Tree, Tree]:
        """The parameters and statistics that are scored: the averaged ones if there are any."""
        return (self.parameters, self.batch_stats) if self.average is None else self.average


class Snapshot(NamedTuple):
    """All that a run goes on from.

    Attributes:
        state: after the steps taken so far.
        sums: what was measured in the steps since the training loss was last recorded.
    """

    state: TrainState
    sums: Sums


def init_state(network: Network, optimizer: optax.GradientTransformation, *, averaged: bool) -> TrainState:
    """The state before the first step; a copy, since training takes the memory of the state that it is given."""

    @jax.jit  # one program in place of one for each shape
    def state(parameters: Tree, batch_stats: Tree) -> TrainState:
        parameters, batch_stats = jax.tree.map(jnp.copy, (parameters, batch_stats))
        average = jax.tree.map(jnp.copy, (parameters, batch_stats)) if averaged else None
        step, failed = jnp.zeros((), jnp.int32), jnp.zeros((), bool)
        return TrainState(step, parameters, batch_stats, optimizer.init(parameters), average, failed)

    return state(network.parameters, network.batch_stats)


def state_sha256(state: TrainState) -> str:
    """SHA-256 over names, shapes and bytes of parameters and statistics; two identical runs share it."""
    return tree_sha256(state.scored())


def tree_sha256(tree: Tree, before: str = "") -> str:
    """SHA-256 over a text, and over names, shapes and bytes of the arrays of a tree."""
    digest = hashlib.sha256(before.encode())
    for path, leaf in jax.tree.leaves_with_path(tree):
        values = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
