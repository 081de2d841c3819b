"""APGD: projected gradients with momentum and steps that are halved (Croce and Hein 2020, arXiv:2003.01690, alg. 1)."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..config.errors import UserError
from ..randomness import Scalar
from .attack import Attack, Best, Victims, unchanged, where
from .balls import Pixels, moved, steepest
from .classifier import Classifier
from .losses import Loss, Scores, cross_entropy, difference_of_logits_ratio, success
from .projected_gradient import start

MOMENTUM = 0.75
"""Weight of a step; the rest is that of the change before."""
RISES = 0.75
"""The step is halved where the loss rose in a smaller part of the steps since the last check."""
LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "dlr": difference_of_logits_ratio}


class Climb(NamedTuple):
    """Where every image is.

    Attributes:
        images: at present.
        before: one step ago.
        loss: at present.
        gradient: of it.
        top: the images with the highest loss so far.
        top_loss: it.
        top_gradient: of it.
        size: of the next step.
        rises: steps since the last check in which the loss rose.
        checked: the highest loss at the last check.
        halved: whether the step was halved there.
    """

    images: Pixels
    before: Pixels
    loss: Float[Array, "b"]
    gradient: Pixels
    top: Pixels
    top_loss: Float[Array, "b"]
    top_gradient: Pixels
    size: Float[Array, "b"]
    rises: Int[Array, "b"]
    checked: Float[Array, "b"]
    halved: Bool[Array, "b"]


@dataclass(frozen=True, kw_only=True)
class APGD(Attack):
    """Steps of two epsilon at first, each with momentum.

    The step of an image is halved, and the image set back to where its loss was highest, when at a check the loss rose
    too seldom, or when neither its step nor its highest loss have changed since the last check.

    Attributes:
        loss: `cross_entropy`, or `dlr`: the difference of logits ratio, for networks of three classes or more.
        steps: for each start.
        restarts: how many random starts.
    """

    loss: Literal["cross_entropy", "dlr"] = "cross_entropy"
    steps: int = 100
    restarts: int = 1

    def changed(self, classifier: Classifier, victims: Victims) -> Pixels:
        classes = jax.eval_shape(classifier, victims.images).shape[1]
        if self.loss == "dlr" and classes < 3:
            raise UserError(f"loss=dlr compares the three highest scores, and the network has {classes} classes")
        best = unchanged(self, classifier, victims)
        for restart in range(self.restarts):
            best = _climbed(self, classifier, victims, restart, best)
        return best.images


def checkpoints(steps: int) -> list[int]:
    """The steps after which the length of steps is looked at: seldom at first, then more and more often."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({number for number in (math.ceil(share * steps - 1e-9) for share in shares[1:]) if number <= steps})


class Looked(NamedTuple):
    """What is known of images.

    Attributes:
        loss: of each.
        gradient: of it.
        success: how far the attack is.
    """

    loss: Float[Array, "b"]
    gradient: Pixels
    success: Float[Array, "b"]


def _look(attack: APGD, classifier: Classifier, victims: Victims, images: Pixels) -> Looked:
    sign = -1 if attack.targeted else 1

    def total(images: Pixels) -> tuple[Float[Array, ""], tuple[Float[Array, "b"], Scores]]:
        scores = classifier(images)
        losses = sign * LOSSES[attack.loss](scores, victims.labels)
        return losses.sum(), (losses, scores)

    gradient, (losses, scores) = jax.grad(total, has_aux=True)(images)
    return Looked(losses, gradient, success(scores, victims.labels, attack.targeted))


@partial(jax.jit, static_argnames="attack")
def _climbed(attack: APGD, classifier: Classifier, victims: Victims, restart: Scalar, best: Best) -> Best:
    """The best images so far, those on the way from one start among them."""
    checks = [0, *checkpoints(attack.steps)]
    since = np.zeros(attack.steps + 1, np.int32)  # at each check, the steps since the one before
    since[checks[1:]] = np.diff(checks)

    def step(number: Array, place: tuple[Climb, Best]) -> tuple[Climb, Best]:
        weight = jnp.where(number == 0, 1, MOMENTUM)
        climb, best = _step(attack, classifier, victims, weight, *place)
        steps = jnp.asarray(since)[number + 1]
        return jax.lax.cond(steps > 0, lambda own: _check(own, steps), lambda own: own, climb), best

    begun = _begin(attack, classifier, victims, start(attack, victims, restart), best)
    return jax.lax.fori_loop(0, attack.steps, step, begun)[1]


def _begin(attack: APGD, classifier: Classifier, victims: Victims, images: Pixels, best: Best) -> tuple[Climb, Best]:
    found = _look(attack, classifier, victims, images)
    loss, gradient = found.loss, found.gradient
    sizes, zeros = jnp.full(len(images), 2 * victims.epsilon), jnp.zeros(len(images), jnp.int32)
    climb = Climb(images, images, loss, gradient, images, loss, gradient, sizes, zeros, loss, zeros > 0)
    return climb, best.or_else(images, found.success)


def _step(
    attack: APGD, classifier: Classifier, victims: Victims, weight: Float[Array, ""], climb: Climb, best: Best
) -> tuple[Climb, Best]:
    """One step with momentum, and what is found there."""

    def inside(images: Pixels) -> Pixels:
        return moved(victims.images, images - victims.images, victims.epsilon, attack.norm)

    now, size = climb.images, climb.size[:, None, None, None]
    plain = inside(now + size * steepest(climb.gradient, attack.norm))
    images = inside(now + weight * (plain - now) + (1 - weight) * (now - climb.before))
    found = _look(attack, classifier, victims, images)
    higher = found.loss > climb.top_loss
    climb = climb._replace(
        images=images,
        before=now,
        loss=found.loss,
        gradient=found.gradient,
        top=where(higher, images, climb.top),
        top_loss=jnp.where(higher, found.loss, climb.top_loss),
        top_gradient=where(higher, found.gradient, climb.top_gradient),
        rises=climb.rises + (found.loss > climb.loss),
    )
    return climb, best.or_else(images, found.success)


def _check(climb: Climb, steps: Int[Array, ""]) -> Climb:
    """Halves the steps that do not help, and sets their images back to the top."""
    seldom = climb.rises < RISES * steps
    stuck = ~climb.halved & (climb.top_loss <= climb.checked)
    halve = seldom | stuck
    return climb._replace(
        images=where(halve, climb.top, climb.images),
        loss=jnp.where(halve, climb.top_loss, climb.loss),
        gradient=where(halve, climb.top_gradient, climb.gradient),
        size=jnp.where(halve, climb.size / 2, climb.size),
        rises=jnp.zeros_like(climb.rises),
        checked=climb.top_loss,
        halved=halve,
    )
