"""Everything that training changes, as one tree of arrays."""

import hashlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Int, Key, Num

from src.models.base import Heads, at_least_float32, heads
from src.models.dropout import give_keys
from src.tasks.base import Sums

Tree = Any


class TrainState(NamedTuple):
    """The state of a run after some steps.

    Attributes:
        step: number of steps taken.
        parameters: what the optimizer changes, as nested dictionaries with the names of the network's attributes.
        statistics: what the network itself changes: running means and variances.
        optimizer: the optimizer's own state.
        average: the moving average of parameters and statistics, if one is kept.
    """

    step: Int[Array, ""]
    parameters: Tree
    statistics: Tree
    optimizer: Tree
    average: Tree | None

    def scored(self) -> tuple[Tree, Tree]:
        """The parameters and statistics that are scored: the averaged ones if there are any."""
        return (self.parameters, self.statistics) if self.average is None else self.average


class Snapshot(NamedTuple):
    """All that a run goes on from.

    Attributes:
        state: after the steps taken so far.
        sums: what was measured in the steps since the training loss was last recorded.
    """

    state: TrainState
    sums: Sums


class Network:
    """A Flax NNX network as a pure function of its parameters and statistics.

    The module is split once into its definition and plain trees; merging copies, since an NNX graph may not cross the
    boundary of a transformation.
    """

    def __init__(self, module: nnx.Module, fast: nnx.Module | None = None) -> None:
        """Splits a module.

        Args:
            module: the network.
            fast: the same in a form that computes faster, and can do less: its forward derivatives may be missing.
        """
        module.eval()
        self._module = nnx.graphdef(module)
        fast = fast or module
        fast.train()
        self._training = nnx.graphdef(fast)
        fast.eval()
        self._evaluation = nnx.graphdef(fast)
        parameters, statistics = nnx.state(module, nnx.Param, nnx.BatchStat)
        self.parameters: Tree = nnx.to_pure_dict(parameters)
        self.statistics: Tree = nnx.to_pure_dict(statistics)

    def train(
        self, parameters: Tree, statistics: Tree, x: Num[Array, "b ..."], keys: Key[Array, "b"] | None
    ) -> tuple[Heads, Tree]:
        """Outputs in training mode, float32, and the statistics afterwards; dropout takes each example's key."""
        module = nnx.merge(self._training, parameters, statistics, copy=True)
        give_keys(module, keys)
        outputs = heads(module(x))
        return outputs, nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))

    def __call__(self, parameters: Tree, statistics: Tree, x: Num[Array, "b ..."]) -> Array:
        """Outputs in evaluation mode, float32: running statistics, no dropout."""
        return at_least_float32(nnx.merge(self._evaluation, parameters, statistics, copy=True)(x))

    def module(self, state: TrainState) -> nnx.Module:
        """The network as an object again, in evaluation mode, with the values of a state; not in its fast form."""
        return nnx.merge(self._module, *state.scored(), copy=True)


def initial_state(network: Network, optimizer: optax.GradientTransformation, *, averaged: bool) -> TrainState:
    """The state before the first step; a copy, since training takes the memory of the state that it is given."""
    parameters, statistics = jax.tree.map(jnp.copy, (network.parameters, network.statistics))
    average = jax.tree.map(jnp.copy, (parameters, statistics)) if averaged else None
    return TrainState(jnp.zeros((), jnp.int32), parameters, statistics, optimizer.init(parameters), average)


def state_sha256(state: TrainState) -> str:
    """SHA-256 over names, shapes and bytes of parameters and statistics; two identical runs share it."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(state.scored()):
        values = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
