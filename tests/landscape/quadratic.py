"""A loss with a known Hessian: half of x A x over the weights of two tensors."""

import jax
import jax.numpy as jnp

from src.landscape.objective import Objective

PARAMETERS = {"one": {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]])}, "two": {"kernel": jnp.array([[2.0], [-1.0]])}}
SIZE = 6


def matrix():
    """Symmetric, with the eigenvalues -2, 0, 1, 3, 5 and 10."""
    vectors, _ = jnp.linalg.qr(jax.random.normal(jax.random.key(7), (SIZE, SIZE)))
    return vectors @ jnp.diag(jnp.array([-2.0, 0.0, 1.0, 3.0, 5.0, 10.0])) @ vectors.T


def flat(parameters):
    return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(parameters)])


def loss(parameters, data):
    x = flat(parameters)
    return 0.5 * x @ data @ x


def objective():
    return Objective(lambda parameters, data: {"loss": loss(parameters, data)}, PARAMETERS, matrix())
