"""The fast gradient sign method: one step (Goodfellow, Shlens, Szegedy 2015, arXiv:1412.6572)."""

from dataclasses import dataclass
from functools import partial

import jax
from jaxtyping import Array, Float

from .attack import Attack, Victims
from .balls import Pixels, moved, steepest
from .classifier import Classifier
from .losses import cross_entropy


@dataclass(frozen=True, kw_only=True)
class FGSM(Attack):
    """One step to the border of the ball, along the steepest ascent of the cross-entropy.

    Of a linear network with two classes it is the best that can be done.
    """

    def changed(self, classifier: Classifier, victims: Victims) -> Pixels:
        return _step(self, classifier, victims)


@partial(jax.jit, static_argnames="attack")
def _step(attack: FGSM, classifier: Classifier, victims: Victims) -> Pixels:
    sign = -1 if attack.targeted else 1

    def total(images: Pixels) -> Float[Array, ""]:
        return sign * cross_entropy(classifier(images), victims.labels).sum()

    change = victims.epsilon * steepest(jax.grad(total)(victims.images), attack.norm)
    return moved(victims.images, change, victims.epsilon, attack.norm)
