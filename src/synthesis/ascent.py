"""The survey's adversarial images (Fig. 54): an image climbs the score of another class until it is answered.

The survey writes x - eta dL/dx; with the score as L it is an ascent, x + eta dL/dx.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .attack import Attack, Victims, where
from .balls import Norm, Pixels, moved, steepest
from .classifier import Classifier
from .losses import Scores, success


class Place(NamedTuple):
    """Where the images of a batch are.

    Attributes:
        images: at present.
        arrived: whether all had arrived before the last step.
        step: how many are done.
    """

    images: Pixels
    arrived: Bool[Array, ""]
    step: Int[Array, ""]


@dataclass(frozen=True, kw_only=True)
class TargetedAscent(Attack):
    """Small steps along the gradient of the score of a class, before the softmax; each image stops when it is answered.

    Attributes:
        step_size: norm of a step, in units of the pixel range.
        steps: at most.
    """

    norm: Norm = "l2"
    targeted: bool = True
    step_size: float = 0.1
    steps: int = 100

    def changed(self, classifier: Classifier, victims: Victims) -> Pixels:
        return _climbed(self, classifier, victims)


@partial(jax.jit, static_argnames="attack")
def _climbed(attack: TargetedAscent, classifier: Classifier, victims: Victims) -> Pixels:
    """The images after the steps that they need."""
    sign = 1 if attack.targeted else -1

    def total(images: Pixels) -> tuple[Float[Array, ""], Scores]:
        scores = classifier(images)
        return sign * jnp.take_along_axis(scores, victims.labels[:, None], axis=1).sum(), scores

    def step(place: Place) -> Place:
        gradient, scores = jax.grad(total, has_aux=True)(place.images)
        arrived = success(scores, victims.labels, attack.targeted) > 0
        change = place.images + attack.step_size * steepest(gradient, attack.norm) - victims.images
        further = moved(victims.images, change, victims.epsilon, attack.norm)
        return Place(where(arrived, place.images, further), arrived.all(), place.step + 1)

    begun = Place(victims.images, jnp.bool(False), jnp.int32(0))
    return jax.lax.while_loop(lambda place: ~place.arrived & (place.step < attack.steps), step, begun).images
