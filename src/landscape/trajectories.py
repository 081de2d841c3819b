"""Training trajectories projected on a plane of weights."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from ..config.errors import UserError
from ..models.functional import Tree
from .directions import between, inner_products

SAME = 1e-5
"""Relative error of inner products of directions in float32."""


class Projection(NamedTuple):
    """The projection of a point of weight space on a plane.

    Attributes:
        coordinates: of the nearest point of the plane.
        residual: the distance to it.
        explained: the share of the squared distance to the origin that lies in the plane; 1 at the origin.
    """

    coordinates: list[float]
    residual: float
    explained: float


def project(points: Iterable[Tree], origin: Tree, directions: Sequence[Tree]) -> list[Projection]:
    """Projects points on a plane by least squares; the directions need not be orthogonal or normalized.

    Args:
        points: weights, such as those of a run's checkpoints.
        origin: weights at coordinates 0.
        directions: spanning the plane.

    Raises:
        UserError: the points are of another network, or the directions are linearly dependent.
    """
    gram: Float[np.ndarray, "d d"] = inner_products(directions)
    lengths = np.sqrt(np.diag(gram))
    if not lengths.all() or np.linalg.eigvalsh(gram / np.outer(lengths, lengths))[0] < SAME:
        raise UserError("the directions are zero or lead the same way, and points have no coordinates along them")
    found = []
    for point in points:
        offset = between(origin, point)
        coordinates = np.linalg.solve(gram, [float(optax.tree.vdot(direction, offset)) for direction in directions])
        left = jax.tree.map(
            lambda whole, *parts, c=coordinates: whole - sum(map(jnp.multiply, c, parts)), offset, *directions
        )
        whole, residual = float(optax.tree.vdot(offset, offset)), float(optax.tree.vdot(left, left))
        found.append(Projection(coordinates.tolist(), residual**0.5, 1 - residual / whole if whole else 1.0))
    return found
