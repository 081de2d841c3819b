"""The ends of a symmetric operator's spectrum, of which only products with vectors are known (Lanczos 1950)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Key

Product = Callable[[Float[Array, "p"]], Float[Array, "p"]]

SETTLED = 5
"""Products during which the ends of a spectrum have to stay where they are: close to some eigenvalue, they may still be
far from the outermost one."""


class Ritz(NamedTuple):
    """What a few products say of an operator's eigenvalues and eigenvectors.

    Attributes:
        values: eigenvalues of the operator as the basis sees it, increasing.
        errors: bounds on the distance of each to a true eigenvalue.
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
        steps: products that were needed.
    """

    smallest: float
    largest: float
    errors: tuple[float, float]
    steps: int

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


def extreme_eigenvalues(
    product: Product, size: int, key: Key[Array, ""], *, steps: int = 50, tolerance: float = 1e-2
) -> Spectrum:
    """Both ends of the spectrum; see `lanczos`."""
    found = lanczos(product, size, key, (0, -1), steps=steps, tolerance=tolerance)
    smallest, largest = (float(found.values[end]) for end in (0, -1))
    return Spectrum(smallest, largest, (float(found.errors[0]), float(found.errors[-1])), len(found.basis))


def top_eigenvectors(
    product: Product, size: int, key: Key[Array, ""], count: int, *, steps: int = 50, tolerance: float = 1e-2
) -> Eigenvectors:
    """The largest eigenvalues with their vectors; see `lanczos`. There are fewer if the operator has no more."""
    found = lanczos(product, size, key, range(-count, 0), steps=steps, tolerance=tolerance)
    numbers = range(-1, -min(count, len(found.basis)) - 1, -1)
    return Eigenvectors(
        [float(found.values[number]) for number in numbers],
        [float(found.errors[number]) for number in numbers],
        [found.vector(number) for number in numbers],
    )


def lanczos(
    product: Product, size: int, key: Key[Array, ""], wanted: Sequence[int], *, steps: int, tolerance: float
) -> Ritz:
    """Eigenvalues and eigenvectors, those at the ends of the spectrum first, each new vector orthogonal to all before.

    Args:
        product: with the operator.
        size: of its vectors.
        key: of the first vector.
        wanted: which eigenvalues of the increasing order have to be known, such as 0 and -1.
        steps: at most so many products.
        tolerance: ends earlier when the wanted errors are below this part of the largest magnitude, and the wanted
            values have not moved by more during the last products.
    """
    basis = [_unit(jax.random.normal(key, (size,)))]
    diagonal: list[float] = []
    beside: list[float] = []
    earlier: list[Float64[np.ndarray, "k"]] = []
    while True:
        new = product(basis[-1])
        diagonal.append(float(jnp.vdot(basis[-1], new)))
        for _ in range(2):  # once leaves what rounding added
            for vector in basis:
                new -= jnp.vdot(vector, new) * vector
        length = float(jnp.linalg.norm(new))
        values, coordinates = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        errors = np.abs(length * coordinates[-1])
        small = tolerance * max(abs(values[0]), abs(values[-1]))
        before = earlier[-SETTLED] if len(earlier) >= SETTLED else np.empty(0)
        known = len(before) >= max(abs(number) for number in wanted) and all(
            errors[number] <= small and abs(values[number] - before[number]) <= small for number in wanted
        )
        if known or length == 0 or len(basis) == min(steps, size):
            return Ritz(values, errors, coordinates, basis)
        earlier.append(values)
        beside.append(length)
        basis.append(new / length)


def _unit(vector: Array) -> Array:
    return vector / jnp.linalg.norm(vector)
