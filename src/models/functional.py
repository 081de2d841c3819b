"""A network as a pure function, for training, surfaces and studies."""

import operator
from collections.abc import Iterable, Sequence, Set
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Key

from ..config.errors import UserError
from ..layers.dropout import give_keys, replace_dropout
from .base import Heads, at_least_float32, heads
from .tracing import replace_statistics

Tree = Any
"""Nested dictionaries of arrays."""


@runtime_checkable
class Scored(Protocol):
    """A training state."""

    def scored(self) -> tuple[Tree, Tree]:
        """The parameters and batch statistics to evaluate."""


class Network:
    """A Flax NNX network as a pure function of its parameters and batch statistics.

    The module is split once into its graph definition and trees of arrays. Each call merges them into a copy, since an
    NNX graph may not cross the boundary of a JAX transformation. Variables of other types are constants.

    Raises:
        UserError: the network contains random generators, whose numbers would depend on batches and devices; when
            called, it changes one of its constants.
    """

    def __init__(
        self, module: nnx.Module, fast: nnx.Module | None = None, frozen: Set[str] = frozenset(), call: str = "__call__"
    ) -> None:
        """Splits a module.

        Args:
            module: the network.
            fast: the same network with faster layers, which may not support forward-mode derivatives.
            frozen: names of layers that are not trained: their parameters have no gradient, and their batch
                normalization computes by running statistics in training too.
            call: the method that gives the outputs.
        """
        fast = fast or module
        for form in (module, fast):
            replace_dropout(form)
            replace_statistics(form)
        fast.train()
        freeze_statistics(fast, frozen)
        self._training = nnx.graphdef(fast)
        fast.eval()
        self._evaluation = nnx.graphdef(fast)
        module.eval()
        self._module = nnx.graphdef(module)
        parameters, batch_stats, constants = nnx.state(module, nnx.Param, nnx.BatchStat, ...)
        check_random_numbers(constants)
        self.parameters: Tree = nnx.to_pure_dict(parameters)
        self.batch_stats: Tree = nnx.to_pure_dict(batch_stats)
        self._constants: Tree = jax.tree.map(concrete, nnx.to_pure_dict(constants))
        self._frozen: Tree = jax.tree.map_with_path(
            lambda path, _: layer_of(path[1:]) in frozen, (self.parameters, self.batch_stats)
        )
        self._call = call

    def train(self, parameters: Tree, batch_stats: Tree, x: Any, keys: Key[Array, "b"] | None) -> tuple[Heads, Tree]:
        """Outputs in training mode, float32, and the statistics afterwards; dropout takes each example's key."""
        parameters = jax.tree.map(
            lambda own, frozen: jax.lax.stop_gradient(own) if frozen else own, parameters, self._frozen[0]
        )
        module = self._merged(self._training, parameters, batch_stats)
        give_keys(module, keys)
        outputs = heads(getattr(module, self._call)(x))
        self._check_constants(module)
        return outputs, nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))

    def __call__(self, parameters: Tree, batch_stats: Tree, x: Any) -> Any:
        """Outputs in evaluation mode, float32: running statistics, no dropout."""
        module = self._merged(self._evaluation, parameters, batch_stats)
        outputs = at_least_float32(getattr(module, self._call)(x))
        self._check_constants(module)
        return outputs

    def trained(self) -> Tree:
        """Which parameters are trained, as a tree of booleans."""
        return jax.tree.map(operator.not_, self._frozen[0])

    def frozen_arrays(self) -> dict[str, Array]:
        """Parameters and statistics of frozen layers, by their names."""
        arrays = jax.tree.leaves_with_path((self.parameters, self.batch_stats))
        return {
            jax.tree_util.keystr(path): leaf
            for (path, leaf), frozen in zip(arrays, jax.tree.leaves(self._frozen), strict=True)
            if frozen
        }

    def with_frozen(self, new: tuple[Tree, Tree], old: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
        """New parameters and statistics, but the old ones of frozen layers, to the bit."""
        return jax.tree.map(lambda frozen, before, after: before if frozen else after, self._frozen, old, new)

    def in_batch(self, parameters: Tree, x: Any) -> tuple[Any, Tree]:
        """Outputs as in evaluation, but normalized by the batch's own moments; these moments as statistics."""
        module = self._merged(self._evaluation, parameters, optax.tree.zeros_like(self.batch_stats))
        module.set_attributes(
            nnx.BatchNorm, use_running_average=False, momentum=0.0, axis_name=None, raise_if_not_found=False
        )
        return at_least_float32(module(x)), nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))

    def module(self, state: Scored) -> nnx.Module:
        """The network as a module in evaluation mode with the values of a state, without its fast layers."""
        return self._merged(self._module, *state.scored())

    def _merged(self, definition: nnx.GraphDef, parameters: Tree, batch_stats: Tree) -> nnx.Module:
        return nnx.merge(definition, parameters, batch_stats, self._constants, copy=True)

    def _check_constants(self, module: nnx.Module) -> None:
        """Checks after a call that the network changed no variable that is not part of the state.

        Raises:
            UserError: it did; the message names the variable.
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


def freeze_statistics(module: nnx.Module, frozen: Set[str]) -> None:
    """Makes the batch normalization of frozen layers compute by its running statistics, which then stay."""
    for path, layer in nnx.iter_modules(module):
        if isinstance(layer, nnx.BatchNorm) and dotted(path) in frozen:
            layer.use_running_average = True


def layer_of(path: Sequence[Any]) -> str:
    """The name of the layer that an array belongs to, from its path in a tree."""
    return jax.tree_util.keystr(tuple(path[:-1]), simple=True, separator=".")


def check_random_numbers(constants: nnx.State) -> None:
    """Refuses random generators inside a network.

    Raises:
        UserError: a layer has one; the message says what to use instead.
    """
    for path, variable in nnx.to_flat_state(constants):
        if isinstance(variable, nnx.RngState):
            raise UserError(
                f"{dotted(path[:-1])} draws random numbers that would depend on batches and devices; nnx.Dropout may, "
                "and a layer derived from src.layers.dropout.RandomLayer, which has a key for each example"
            )


def concrete(leaf: Any) -> Any:
    """Replaces abstract leaves, of which only the shapes matter, by arrays."""
    return jnp.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf


def dotted(path: Iterable[Any]) -> str:
    """A path in a network as dotted text."""
    return ".".join(map(str, path))
