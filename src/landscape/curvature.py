"""Curvature of a loss: exact products with its Hessian, and its extreme eigenvalues.

Li et al. 2018 (arXiv:1712.09913), section 6: |smallest / largest eigenvalue| over the plane tells where it is convex.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Float32, Key

from src.landscape.directions import check_same_network
from src.landscape.evaluation import Measure, moved
from src.training.state import Tree

BatchLoss = Callable[[Tree, Any], Float[Array, ""]]
"""The sum of the losses of a batch's examples."""

Product = Callable[[Float[Array, "p"]], Float[Array, "p"]]


def hessian_products(loss: BatchLoss, batches: Sequence[Any], examples: int) -> Callable[[Tree], Product]:
    """Products with the Hessian of the mean loss, over all tensors of more than one dimension, as in the paper.

    The mean is over examples, so how they are divided into batches does not matter. Gradients of convolutions are slow
    inside loops on the CPU, so batches follow each other outside of the compiled function.

    Args:
        loss: the sum over a batch.
        batches: all of the data.
        examples: how many there are in all of them.

    Returns:
        A function of the weights where the Hessian is taken, giving the product; compiled once for all weights.
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


class Spectrum(NamedTuple):
    """The ends of a Hessian's spectrum.

    Attributes:
        smallest: eigenvalue.
        largest: eigenvalue.
        errors: bounds on the distance of each to a true eigenvalue.
        steps: products with the Hessian that were needed.
    """

    smallest: float
    largest: float
    errors: tuple[float, float]
    steps: int

    @property
    def ratio(self) -> float:
        """|smallest / largest|: how far from convex."""
        return abs(self.smallest / self.largest)


def extreme_eigenvalues(
    product: Product, size: int, key: Key[Array, ""], *, steps: int = 50, tolerance: float = 1e-2
) -> Spectrum:
    """Both ends of a symmetric operator's spectrum (Lanczos 1950), each new vector made orthogonal to all before.

    Args:
        product: with the operator.
        size: of its vectors.
        key: of the first vector.
        steps: at most so many products.
        tolerance: ends earlier when both errors are below this part of the larger magnitude.
    """
    basis = [_unit(jax.random.normal(key, (size,)))]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        new = product(basis[-1])
        diagonal.append(float(jnp.vdot(basis[-1], new)))
        for _ in range(2):  # once leaves what rounding added
            for vector in basis:
                new -= jnp.vdot(vector, new) * vector
        length = float(jnp.linalg.norm(new))
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        errors = abs(length * vectors[-1, 0]), abs(length * vectors[-1, -1])
        done = len(diagonal)
        if max(errors) <= tolerance * max(abs(values[0]), abs(values[-1])) or done == min(steps, size):
            return Spectrum(float(values[0]), float(values[-1]), (float(errors[0]), float(errors[1])), done)
        beside.append(length)
        basis.append(new / length)


def spectra_at(
    products: Callable[[Tree], Product], parameters: Tree, directions: Sequence[Tree], key: Key[Array, ""], steps: int
) -> Measure:
    """Both ends of the Hessian's spectrum at places of a plane, and how far from convex it is there.

    Args:
        products: with the Hessian at any weights.
        parameters: in the middle.
        directions: one or two.
        key: of the first vector of each.
        steps: at most so many products at each place.

    Raises:
        UserError: a direction belongs to another network.
    """
    for direction in directions:
        check_same_network(parameters, direction)
    move = jax.jit(moved)
    size = kernel_count(parameters)

    def at(places: Float32[np.ndarray, "k d"]) -> list[dict[str, float]]:
        found = [
            extreme_eigenvalues(products(move(parameters, list(directions), place)), size, key, steps=steps)
            for place in places
        ]
        return [{"smallest": one.smallest, "largest": one.largest, "curvature_ratio": one.ratio} for one in found]

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


def _unit(vector: Array) -> Array:
    return vector / jnp.linalg.norm(vector)
