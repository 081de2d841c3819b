"""Everything that training changes, as one tree of arrays."""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Int, Key, Num

from ..config.errors import UserError
from ..models.base import Heads, at_least_float32, heads
from ..models.dropout import give_keys, replace_dropout
from ..models.tracing import replace_statistics
from ..tasks.base import Sums

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
    boundary of a transformation. Arrays and variables of other kinds are constants.

    Raises:
        UserError: it draws random numbers that would depend on batches and devices; when called, that it changes one
            of its constants.
    """

    def __init__(self, module: nnx.Module, fast: nnx.Module | None = None) -> None:
        """Splits a module.

        Args:
            module: the network.
            fast: the same in a form that computes faster, and can do less: its forward derivatives may be missing.
        """
        fast = fast or module
        for form in (module, fast):
            replace_dropout(form)
            replace_statistics(form)
        fast.train()
        self._training = nnx.graphdef(fast)
        fast.eval()
        self._evaluation = nnx.graphdef(fast)
        module.eval()
        self._module = nnx.graphdef(module)
        parameters, statistics, constants = nnx.state(module, nnx.Param, nnx.BatchStat, ...)
        check_random_numbers(constants)
        self.parameters: Tree = nnx.to_pure_dict(parameters)
        self.statistics: Tree = nnx.to_pure_dict(statistics)
        self._constants: Tree = jax.tree.map(concrete, nnx.to_pure_dict(constants))

    def train(
        self, parameters: Tree, statistics: Tree, x: Num[Array, "b ..."], keys: Key[Array, "b"] | None
    ) -> tuple[Heads, Tree]:
        """Outputs in training mode, float32, and the statistics afterwards; dropout takes each example's key."""
        module = self._merged(self._training, parameters, statistics)
        give_keys(module, keys)
        outputs = heads(module(x))
        self._check_constants(module)
        return outputs, nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))

    def __call__(self, parameters: Tree, statistics: Tree, x: Num[Array, "b ..."]) -> Array:
        """Outputs in evaluation mode, float32: running statistics, no dropout."""
        module = self._merged(self._evaluation, parameters, statistics)
        outputs = at_least_float32(module(x))
        self._check_constants(module)
        return outputs

    def module(self, state: TrainState) -> nnx.Module:
        """The network as an object again, in evaluation mode, with the values of a state; not in its fast form."""
        return self._merged(self._module, *state.scored())

    def _merged(self, definition: nnx.GraphDef, parameters: Tree, statistics: Tree) -> nnx.Module:
        return nnx.merge(definition, parameters, statistics, self._constants, copy=True)

    def _check_constants(self, module: nnx.Module) -> None:
        """Refuses, once a network was used, that it changed what is kept nowhere.

        Raises:
            UserError: naming the variable.
        """
        after = dict(nnx.to_flat_state(nnx.state(module)))
        for path, before in nnx.traversals.flatten_mapping(self._constants).items():
            leaf = after[path]
            kind, value = (type(leaf).__name__, leaf.get_value()) if isinstance(leaf, nnx.Variable) else ("array", leaf)
            if value is not before:
                raise UserError(
                    f"the network changes {dotted(path)}, a plain {kind}, when it is used; what is to be kept from "
                    "step to step is an nnx.BatchStat, and what is trained an nnx.Param"
                )


def check_random_numbers(constants: nnx.State) -> None:
    """Refuses generators of random numbers inside a network.

    Raises:
        UserError: naming the layer that has one, and the way.
    """
    for path, variable in nnx.to_flat_state(constants):
        if isinstance(variable, nnx.RngState):
            raise UserError(
                f"{dotted(path[:-1])} draws random numbers that would depend on batches and devices; nnx.Dropout may, "
                "and a layer derived from src.models.dropout.RandomLayer, which has a key for each example"
            )


def concrete(leaf: Any) -> Any:
    """Of a network that is abstract only the shapes matter."""
    return jnp.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf


def dotted(path: Iterable[Any]) -> str:
    """The place of something in a network."""
    return ".".join(map(str, path))


def initial_state(network: Network, optimizer: optax.GradientTransformation, *, averaged: bool) -> TrainState:
    """The state before the first step; a copy, since training takes the memory of the state that it is given."""

    @jax.jit  # one program in place of one for each shape
    def state(parameters: Tree, statistics: Tree) -> TrainState:
        parameters, statistics = jax.tree.map(jnp.copy, (parameters, statistics))
        average = jax.tree.map(jnp.copy, (parameters, statistics)) if averaged else None
        return TrainState(jnp.zeros((), jnp.int32), parameters, statistics, optimizer.init(parameters), average)

    return state(network.parameters, network.statistics)


def state_sha256(state: TrainState) -> str:
    """SHA-256 over names, shapes and bytes of parameters and statistics; two identical runs share it."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(state.scored()):
        values = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
