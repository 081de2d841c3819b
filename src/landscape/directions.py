"""Directions in weight space: random, from one network to another, and along training.

Li et al. 2018 (arXiv:1712.09913), sections 4 and 7.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key

from ..config.errors import UserError
from ..models.functional import Tree
from ..runs.versions import version

Normalization = Literal["filter", "layer", "none"]

TINY = 1e-10
"""Keeps the direction of an all-zero filter finite; the authors' code has the same number."""


SAME = 1e-6
"""Relative error of inner products in float32."""


@version(1)
def gaussian(
    key: Key[Array, ""], parameters: Tree, normalization: Normalization = "filter", *, one_dimensional: bool = False
) -> Tree:
    """A Gaussian direction, by default with filters normalized to those of the network (Li et al., section 4).

    A filter has all axes of a tensor but the last; in a dense layer it is the weights of a neuron.

    Args:
        key: of the draw.
        parameters: of the network.
        normalization: whether each filter or each tensor gets the norm of the network's, or nothing is normalized.
        one_dimensional: whether one-dimensional tensors (biases and batch normalization) are included; in the paper
            they are not. Each of their numbers counts as a filter, so its component is plus or minus the number.
    """
    leaves, structure = jax.tree.flatten(parameters)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        structure,
        [
            scaled(jax.random.normal(own, leaf.shape, leaf.dtype), leaf, normalization)
            if one_dimensional or leaf.ndim > 1
            else jnp.zeros_like(leaf)
            for own, leaf in zip(keys, leaves, strict=True)
        ],
    )


def scaled(
    direction: Float[Array, "*shape"], weights: Float[Array, "*shape"], normalization: Normalization
) -> Float[Array, "*shape"]:
    """One tensor of a direction, scaled to the norms of the weights by filter or as a whole."""
    if normalization == "none":
        return direction
    axes = tuple(range(direction.ndim - 1)) if normalization == "filter" else None

    def length(x: Array) -> Array:
        return jnp.sqrt(jnp.sum(x * x, axis=axes, keepdims=True))

    return direction * (length(weights) / (length(direction) + TINY))


@version(1)
def between(start: Tree, end: Tree) -> Tree:
    """The difference of two networks.

    Raises:
        UserError: their trees or shapes differ.
    """
    check_same_network(start, end)
    return optax.tree.sub(end, start)


@version(1)
def orthogonal(direction: Tree, to: Tree) -> Tree:
    """A direction without its component along another one."""
    share = optax.tree.vdot(direction, to) / optax.tree.vdot(to, to)
    return jax.tree.map(lambda own, other: own - share * other, direction, to)


class Principal(NamedTuple):
    """Principal components of a path.

    Attributes:
        directions: of length 1, orthogonal, by decreasing share.
        explained: share of the squared distances from the end of the path along each direction.
    """

    directions: list[Tree]
    explained: list[float]


@version(1)
def principal(path: Sequence[Tree], end: Tree, count: int = 2) -> Principal:
    """Principal components of the differences of a path from its end (Li et al., section 7.2), not centred.

    Args:
        path: weights along the path.
        end: weights at its end.
        count: number of directions.

    Raises:
        UserError: the path has fewer points or spans fewer dimensions.
    """
    if len(path) < count:
        raise UserError(
            f"{count} principal directions need at least {count} checkpoints besides the last, not {len(path)}"
        )
    steps = [between(end, point) for point in path]
    products = inner_products(steps)
    values, vectors = np.linalg.eigh(products)
    if not values[-count] > SAME * values[-1]:
        raise UserError(f"the path does not lead in {count} directions; it has no plane of its own")
    directions = []
    for number in range(1, count + 1):
        weights = vectors[:, -number] / np.sqrt(values[-number])
        directions.append(jax.tree.map(lambda *parts, w=weights: sum(map(jnp.multiply, w, parts)), *steps))
    return Principal(directions, (values[::-1][:count] / values.sum()).tolist())


def inner_products(trees: Sequence[Tree]) -> Float[np.ndarray, "k k"]:
    """All pairwise inner products, over all weights."""
    return np.array([[float(optax.tree.vdot(one, other)) for other in trees] for one in trees])


def check_same_network(one: Tree, other: Tree) -> None:
    """Refuses trees that are not the weights of the same network.

    Raises:
        UserError: they differ; the message names the first layer.
    """
    ours, theirs = (
        {
            jax.tree_util.keystr(path, simple=True, separator="."): leaf.shape
            for path, leaf in jax.tree.leaves_with_path(tree)
        }
        for tree in (one, other)
    )
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            there, here = _shape(theirs.get(name)), _shape(ours.get(name))
            raise UserError(f"directions of another network: {name} is {there} there, {here} here")


def _shape(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else "x".join(map(str, shape))
