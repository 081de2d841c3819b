"""Extreme eigenvalues of a symmetric operator from products with vectors (Lanczos 1950)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Key

from ..runs.versions import version

Product = Callable[[Float[Array, "p"]], Float[Array, "p"]]

PRODUCTS = 40
"""The default number. The error bounds cannot be used to stop: a value can converge to some eigenvalue long before the
extreme one appears, which happens if it is near many eigenvalues and a thousand times smaller than the other end."""

ROUNDING = 4 * float(np.finfo(np.float32).eps)
"""Error of products in float32, relative to the largest eigenvalue."""


class Ritz(NamedTuple):
    """Ritz values and vectors after some products.

    Attributes:
        values: eigenvalues of the operator projected on the basis, increasing.
        errors: bounds on the distance of each to a true eigenvalue, including rounding in float32.
        coordinates: of their vectors in the basis, one per column.
        basis: orthogonal vectors of length 1.
    """

    values: Float64[np.ndarray, "k"]
    errors: Float64[np.ndarray, "k"]
    coordinates: Float64[np.ndarray, "k k"]
    basis: list[Float[Array, "p"]]

    def vector(self, number: int) -> Float[Array, "p"]:
        """The Ritz vector of a value, of length 1, with a positive component along the first vector of the basis."""
        weights = self.coordinates[:, number]
        weights = weights if weights[0] >= 0 else -weights  # LAPACK's sign may depend on rounding
        return sum((weight * vector for weight, vector in zip(weights, self.basis, strict=True)), jnp.zeros(()))


class Spectrum(NamedTuple):
    """Estimates of the extreme eigenvalues; the true ones are at least as extreme.

    Attributes:
        smallest: eigenvalue.
        largest: eigenvalue.
        errors: bounds on the distance of each to a true eigenvalue.
        products: number of products.
    """

    smallest: float
    largest: float
    errors: tuple[float, float]
    products: int

    @property
    def ratio(self) -> float:
        """|smallest / largest|, near 0 where the loss is nearly convex; NaN if the largest is 0."""
        return abs(self.smallest / self.largest) if self.largest else float("nan")


class Eigenvectors(NamedTuple):
    """The largest eigenvalues of an operator and their vectors.

    Attributes:
        values: eigenvalues, the largest first.
        errors: bounds on the distance of each to a true eigenvalue.
        vectors: of length 1, orthogonal to each other.
    """

    values: list[float]
    errors: list[float]
    vectors: list[Float[Array, "p"]]


@version(1)
def extreme_eigenvalues(product: Product, size: int, key: Key[Array, ""], products: int = PRODUCTS) -> Spectrum:
    """Both ends of the spectrum; see `lanczos`."""
    found = lanczos(product, size, key, products)
    smallest, largest = (float(found.values[end]) for end in (0, -1))
    return Spectrum(smallest, largest, (float(found.errors[0]), float(found.errors[-1])), len(found.basis))


def top_eigenvectors(
    product: Product, size: int, key: Key[Array, ""], count: int, products: int = PRODUCTS
) -> Eigenvectors:
    """The largest eigenvalues with their vectors; see `lanczos`. There are fewer if the operator has no more."""
    found = lanczos(product, size, key, products)
    numbers = range(-1, -min(count, len(found.basis)) - 1, -1)
    return Eigenvectors(
        [float(found.values[number]) for number in numbers],
        [float(found.errors[number]) for number in numbers],
        [found.vector(number) for number in numbers],
    )


def lanczos(product: Product, size: int, key: Key[Array, ""], products: int) -> Ritz:
    """Lanczos iteration with full reorthogonalization; the extreme eigenvalues converge first.

    If the operator overflows, all results are NaN. Products are assumed to be in float32.

    Args:
        product: of the operator and a vector.
        size: length of the vectors.
        key: of the first vector.
        products: number of products; fewer if the Krylov space is exhausted.
    """
    basis = [_unit(jax.random.normal(key, (size,)))]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        new = product(basis[-1])
        diagonal.append(float(jnp.vdot(basis[-1], new)))
        for _ in range(2):  # twice, because of rounding
            for vector in basis:
                new -= jnp.vdot(vector, new) * vector
        length = float(jnp.linalg.norm(new))
        if length == 0 or not np.isfinite(length) or len(basis) == min(products, size):
            break
        beside.append(length)
        basis.append(new / length)
    if not np.isfinite(length):  # the operator overflowed
        unknown = np.full(len(basis), np.nan)
        return Ritz(unknown, unknown, np.full((len(basis), len(basis)), np.nan), basis)
    values, coordinates = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    rounding = ROUNDING * np.abs(values).max()
    return Ritz(values, np.abs(length * coordinates[-1]) + rounding, coordinates, basis)


def _unit(vector: Array) -> Array:
    return vector / jnp.linalg.norm(vector)
