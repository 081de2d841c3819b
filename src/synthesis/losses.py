"""What an attack makes large: functions of the scores of classes and the class of each image."""

from collections.abc import Callable

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

Scores = Float[Array, "b classes"]
Labels = Int[Array, "b"]
Loss = Callable[[Scores, Labels], Float[Array, "b"]]


def cross_entropy(scores: Scores, labels: Labels) -> Float[Array, "b"]:
    """The negative logarithm of the probability of the class."""
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels)


def difference_of_logits_ratio(scores: Scores, labels: Labels) -> Float[Array, "b"]:
    """How far the class falls behind the best other one, in units of the gap between the first and the third score.

    Croce and Hein 2020 (arXiv:2003.01690), equation 6: unlike the cross-entropy, it has gradients that do not vanish
    where a network is sure, and does not change when all scores are scaled. It needs three classes.
    """
    ordered = jnp.sort(scores, axis=1)
    return lead(scores, labels) / jnp.maximum(ordered[:, -1] - ordered[:, -3], 1e-12)


def lead(scores: Scores, labels: Labels) -> Float[Array, "b"]:
    """The largest score of another class less that of the class; positive where the answer is another."""
    own = jnp.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    return others(scores, labels).max(axis=1) - own


def others(scores: Scores, labels: Labels) -> Scores:
    """The scores, but minus infinity for the class itself."""
    return jnp.where(jnp.arange(scores.shape[1]) == labels[:, None], -jnp.inf, scores)


def success(scores: Scores, labels: Labels, targeted: bool) -> Float[Array, "b"]:
    """How far an attack is: positive where the answer is another class or, with `targeted`, the wanted one."""
    return -lead(scores, labels) if targeted else lead(scores, labels)
