"""The ends of a symmetric operator's spectrum, of which only products with vectors are known (Lanczos 1950)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Key

from ..runs.versions import version

Product = Callable[[Float[Array, "p"]], Float[Array, "p"]]

PRODUCTS = 40
"""The default number. Errors do not show when to end: a value can settle close to some eigenvalue
while the outermost one, behind a crowd that is a thousand times as near to 0 as the other end, shows much later."""

ROUNDING = 4 * float(np.finfo(np.float32).eps)
"""Part of the largest eigenvalue by which products in float32 may be off."""


class Ritz(NamedTuple):
    """What a few products say of an operator's eigenvalues and eigenvectors.

    Attributes:
        values: eigenvalues of the operator as the basis sees it, increasing.
        errors: bounds on the distance of each to a true eigenvalue, with the rounding of float32 added.
        coordinates: of their vectors in the basis, one column for each.
        basis: orthogonal vectors of length 1.
    """

    values: Float64[np.ndarray, "k"]
    errors: Float64[np.ndarray, "k"]
    coordinates: Float64[np.ndarray, "k k"]
    basis: list[Float[Array, "p"]]

    def vector(self, number: int) -> Float[Array, "p"]:
        """The vector of a value, of length 1; its sign is that of its part along the first vector of the basis."""
        weights = self.coordinates[:, number]
        weights = weights if weights[0] >= 0 else -weights  # the sign that LAPACK gives may hang on a last bit
        return sum((weight * vector for weight, vector in zip(weights, self.basis, strict=True)), jnp.zeros(()))


class Spectrum(NamedTuple):
    """The ends of an operator's spectrum, as far as they were found: the true ones are not inside of them.

    Attributes:
        smallest: eigenvalue.
        largest: eigenvalue.
        errors: bounds on the distance of each to some true eigenvalue.
        products: that were taken.
    """

    smallest: float
    largest: float
    errors: tuple[float, float]
    products: int

    @property
    def ratio(self) -> float:
        """|smallest / largest|: how far from convex; unknown where everything is flat."""
        return abs(self.smallest / self.largest) if self.largest else float("nan")


class Eigenvectors(NamedTuple):
    """The upper end of an operator's spectrum.

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
    """Eigenvalues and eigenvectors, those at the ends of the spectrum first, each new vector orthogonal to all before.

    Where the operator overflows nothing is known, and all is NaN. The products are taken to be in float32.

    Args:
        product: with the operator.
        size: of its vectors.
        key: of the first vector.
        products: how many; fewer where nothing is left to be found.
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
        if length == 0 or not np.isfinite(length) or len(basis) == min(products, size):
            break
        beside.append(length)
        basis.append(new / length)
    if not np.isfinite(length):  # the operator overflowed, and nothing is known of it
        unknown = np.full(len(basis), np.nan)
        return Ritz(unknown, unknown, np.full((len(basis), len(basis)), np.nan), basis)
    values, coordinates = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    rounding = ROUNDING * np.abs(values).max()
    return Ritz(values, np.abs(length * coordinates[-1]) + rounding, coordinates, basis)


def _unit(vector: Array) -> Array:
    return vector / jnp.linalg.norm(vector)
