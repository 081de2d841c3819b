"""What is known of images before any network is asked: numbers that are small for natural ones.

They are means over the pixels, so that they mean the same for images of any size. Pixels are from 0 to 1.
"""

from dataclasses import dataclass

import jax.numpy as jnp

from .balls import TINY, Pixels
from .goals import Values

GREY = 0.5
"""The middle of the pixel range, from which colours are measured."""
FARTHEST = 0.5 * 3**0.5
"""How far the colour of a pixel can be from grey: white and black are. The paper's B is less than half of that, 80 of
255, and would keep snow and clouds grey."""
STEP = 80 / 255 / 6.5
"""How much the colours of neighbours usually differ: V of the paper."""


def total_variation(images: Pixels, beta: float = 2.0) -> Values:
    """The size of the step from a pixel to its neighbours below and beside it, to the power of beta: TV^beta."""
    down = jnp.diff(images, axis=1, append=images[:, -1:])
    across = jnp.diff(images, axis=2, append=images[:, :, -1:])
    return (((down**2 + across**2).sum(axis=-1) + TINY) ** (beta / 2)).mean(axis=(1, 2))


def alpha_norm(images: Pixels, alpha: float = 2.0) -> Values:
    """The distance of a pixel's colour from grey, to the power of alpha; large ones keep pixels in their range."""
    return ((((images - GREY) ** 2).sum(axis=-1) + TINY) ** (alpha / 2)).mean(axis=(1, 2))


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Weights of what is subtracted from a goal, both in the form of Mahendran and Vedaldi 2016 (arXiv:1512.02017).

    Distances from grey are measured in `FARTHEST` and steps in `STEP`.

    Attributes:
        norm: weight of the alpha norm; with alpha 2 it is the L2 term of Simonyan et al. 2014 (arXiv:1312.6034).
        alpha: its power.
        variation: weight of TV^beta.
        beta: its power.
    """

    norm: float = 0.0
    alpha: float = 2.0
    variation: float = 0.0
    beta: float = 2.0

    def __call__(self, images: Pixels) -> Values:
        found = jnp.zeros(len(images))
        if self.norm:
            found += self.norm * alpha_norm(images, self.alpha) / FARTHEST**self.alpha
        if self.variation:
            found += self.variation * total_variation(images, self.beta) / STEP**self.beta
        return found


NO_PRIORS = Priors()
