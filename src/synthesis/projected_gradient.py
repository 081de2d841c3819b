"""Projected gradient descent from random starts (Madry et al. 2018, arXiv:1706.06083)."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..randomness import Scalar, at
from .attack import Attack, Best, Victims, seen, unchanged
from .balls import Pixels, moved, random_change, steepest
from .classifier import Classifier
from .losses import Scores, cross_entropy, success


@dataclass(frozen=True, kw_only=True)
class PGD(Attack):
    """Steps of one length along the steepest ascent of the cross-entropy, each brought back into the ball.

    Of all images on the way the one that goes furthest is kept, so it is never weaker than its starts.

    Attributes:
        steps: for each start.
        step_size: in units of the pixel range; 2.5 epsilon / steps without, as in the paper.
        restarts: how many starts.
        random_start: begins somewhere in the ball instead of at the image.
    """

    steps: int = 20
    step_size: float | None = None
    restarts: int = 1
    random_start: bool = True

    def changed(self, classifier: Classifier, victims: Victims) -> Pixels:
        size = 2.5 * victims.epsilon / self.steps if self.step_size is None else jnp.float32(self.step_size)
        best = unchanged(self, classifier, victims)
        for restart in range(self.restarts):
            best = _climbed(self, classifier, victims, size, restart, best)
        return best.images


@partial(jax.jit, static_argnames="attack")
def start(attack: Attack, victims: Victims, number: Scalar) -> Pixels:
    """A random start."""
    keys = jax.vmap(lambda key: at(key, number))(victims.keys)
    return moved(
        victims.images, random_change(victims.images, victims.epsilon, attack.norm, keys), victims.epsilon, attack.norm
    )


@partial(jax.jit, static_argnames="attack")
def _climbed(
    attack: PGD, classifier: Classifier, victims: Victims, size: Float[Array, ""], restart: Scalar, best: Best
) -> Best:
    """The best images so far, those on the way from one start among them."""
    sign = -1 if attack.targeted else 1

    def total(images: Pixels) -> tuple[Float[Array, ""], Scores]:
        scores = classifier(images)
        return sign * cross_entropy(scores, victims.labels).sum(), scores

    def step(_: Array, place: tuple[Pixels, Best]) -> tuple[Pixels, Best]:
        images, best = place
        gradient, scores = jax.grad(total, has_aux=True)(images)
        best = best.or_else(images, success(scores, victims.labels, attack.targeted))
        change = images + size * steepest(gradient, attack.norm) - victims.images
        return moved(victims.images, change, victims.epsilon, attack.norm), best

    images = start(attack, victims, restart) if attack.random_start else victims.images
    images, best = jax.lax.fori_loop(0, attack.steps, step, (images, best))
    return seen(attack, classifier, victims, images, best)
