"""The survey's adversarial images (Fig. 54): an image climbs the score of another class until it is answered.

The survey writes x - eta dL/dx; with the score as L it is an ascent, x + eta dL/dx.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .attack import Attack, Victims, where
from .balls import Norm, Pixels, moved, steepest
from .classifier import Classifier
from .losses import success


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
        images, size = victims.images, jnp.float32(self.step_size)
        for _ in range(self.steps):
            images, arrived = _step(self, classifier, victims, size, images)
            if arrived:
                break
        return images


@partial(jax.jit, static_argnames="attack")
def _step(
    attack: TargetedAscent, classifier: Classifier, victims: Victims, size: Float[Array, ""], images: Pixels
) -> tuple[Pixels, Array]:
    """The images after a step, and whether all had arrived before it."""
    sign = 1 if attack.targeted else -1

    def total(images: Pixels) -> tuple[Float[Array, ""], Array]:
        scores = classifier(images)
        return sign * jnp.take_along_axis(scores, victims.labels[:, None], axis=1).sum(), scores

    gradient, scores = jax.grad(total, has_aux=True)(images)
    arrived = success(scores, victims.labels, attack.targeted) > 0
    change = images + size * steepest(gradient, attack.norm) - victims.images
    further = moved(victims.images, change, victims.epsilon, attack.norm)
    return where(arrived, images, further), arrived.all()
