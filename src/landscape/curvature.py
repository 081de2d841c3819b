"""Curvature of a loss: exact Hessian-vector products, the ends of the spectrum over a plane, and top eigenvectors.

Li et al. 2018 (arXiv:1712.09913), section 6: |smallest / largest eigenvalue| over a plane shows where it is convex.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Float32, Key

from ..config.errors import UserError
from ..models.functional import Tree
from ..runs.versions import version
from .directions import check_same_network
from .evaluation import Measure, moved
from .lanczos import Product, extreme_eigenvalues, top_eigenvectors

BatchLoss = Callable[[Tree, Any], Float[Array, ""]]
"""The sum of the losses of the examples of a batch."""


def hessian_products(loss: BatchLoss, batches: Sequence[Any], examples: int) -> Callable[[Tree], Product]:
    """Hessian-vector products of the mean loss, over all tensors of more than one dimension, as in the paper.

    The mean is over examples, so the division into batches does not matter. The loop over batches is outside of the
    compiled function, since gradients of convolutions inside loops are slow on the CPU.

    Args:
        loss: the sum over a batch.
        batches: all of the data.
        examples: total number of examples.

    Returns:
        A function from weights to the product with the Hessian there; compiled once for all weights.
    """

    @jax.jit
    def product(parameters: Tree, direction: Array, batch: Any) -> Array:
        kernels, vectors = _divided(parameters)
        origin, unravel = ravel_pytree(kernels)

        def gradient(flat: Array) -> Array:
            return jax.grad(lambda values: loss(_joined(parameters, unravel(values), vectors), batch))(flat)

        return jax.jvp(gradient, (origin,), (direction,))[1]

    def at(parameters: Tree) -> Product:
        def whole(direction: Array) -> Array:
            parts = (product(parameters, direction, batch) for batch in batches)
            return sum(parts, jnp.zeros_like(direction)) / examples

        return whole

    return at


@version(1)
def top_directions(
    products: Callable[[Tree], Product], parameters: Tree, key: Key[Array, ""], count: int = 2
) -> tuple[list[Tree], list[float]]:
    """Eigenvectors of length 1 of the largest eigenvalues of the Hessian.

    Args:
        products: see `hessian_products`.
        parameters: weights at which the Hessian is taken.
        key: of the first Lanczos vector.
        count: how many.

    Returns:
        The directions, zero in tensors of one dimension, orthogonal to each other; their eigenvalues, largest first.

    Raises:
        UserError: fewer were found, for example where the loss is flat.
    """
    found = top_eigenvectors(products(parameters), kernel_count(parameters), key, count)
    if len(found.vectors) < count:
        raise UserError(f"the Hessian has no {count} directions to draw along: the loss is flat there")
    kernels, vectors = _divided(parameters)
    _, unravel = ravel_pytree(kernels)
    still = [jnp.zeros_like(leaf) for leaf in vectors]
    return [_joined(parameters, unravel(vector), still) for vector in found.vectors], found.values


@version(1)
def spectra_at(
    products: Callable[[Tree], Product], parameters: Tree, directions: Sequence[Tree], key: Key[Array, ""], count: int
) -> Measure:
    """Smallest and largest eigenvalue of the Hessian at points of a plane, and their ratio.

    Args:
        products: see `hessian_products`.
        parameters: weights at the centre of the plane.
        directions: one or two.
        key: of the first Lanczos vector at each point.
        count: number of products at each point.

    Raises:
        UserError: a direction has other shapes than the parameters.
    """
    for direction in directions:
        check_same_network(parameters, direction)
    move = jax.jit(moved)
    size = kernel_count(parameters)

    def at(places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        found = [
            extreme_eigenvalues(products(move(parameters, list(directions), place)), size, key, count)
            for place in places
        ]
        return [
            {
                "smallest": one.smallest,
                "largest": one.largest,
                "error": max(one.errors),
                "curvature_ratio": one.ratio,
            }
            for one in found
        ]

    return at


def kernel_count(parameters: Tree) -> int:
    """The number of weights in tensors of more than one dimension."""
    return sum(leaf.size for leaf in _divided(parameters)[0])


def _divided(parameters: Tree) -> tuple[list[Array], list[Array]]:
    leaves = jax.tree.leaves(parameters)
    return [leaf for leaf in leaves if leaf.ndim > 1], [leaf for leaf in leaves if leaf.ndim < 2]


def _joined(like: Tree, kernels: list[Array], vectors: list[Array]) -> Tree:
    leaves, structure = jax.tree.flatten(like)
    wide, thin = iter(kernels), iter(vectors)
    return jax.tree.unflatten(structure, [next(wide if leaf.ndim > 1 else thin) for leaf in leaves])
