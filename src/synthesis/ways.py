"""The ways in which images of a class, or of any unit, are made: the survey's, and those that came after it."""

from ..models.base import ImageShape
from .climb import Way
from .parametrization import OfPhases, OfPixels, OfWaves
from .priors import Priors

STEPS = 256


def ways(shape: ImageShape, steps: int = STEPS) -> dict[str, Way]:
    """The ways by their names, from the oldest on.

    - `plain`: the gradient alone.
    - `l2`: with the L2 term (Simonyan et al. 2014, arXiv:1312.6034; chapter Fig. 52).
    - `smooth`: with total variation, blur and jitter, and the middle changes most (chapter Fig. 53; Nguyen et al. 2016,
      arXiv:1602.03616).
    - `waves`: waves of colours that do not depend on each other (Olah et al. 2017).
    - `phases`: the strengths of waves stay those of natural images (Fel et al. 2023).

    Args:
        shape: of the images.
        steps: of each.
    """
    pixels, jitter = OfPixels(shape=shape), max(1, min(shape[:2]) // 16)
    middle = OfPixels(shape=shape, blur=min(shape[:2]) / 150, centre=0.35)
    smooth = Priors(norm=8.0, variation=0.05)
    return {
        "plain": Way(parametrization=pixels, steps=steps, rate=0.004, momentum=0.9),
        "l2": Way(parametrization=pixels, steps=steps, rate=0.004, momentum=0.9, priors=Priors(norm=150.0)),
        "smooth": Way(
            parametrization=middle, steps=steps, rate=0.01, momentum=0.9, jitter=jitter, priors=smooth
        ),
        "waves": Way(
            parametrization=OfWaves(shape=shape), steps=steps, rate=0.05, optimizer="adam", noise=0.01, jitter=jitter,
            zoom=0.7,
        ),
        "phases": Way(
            parametrization=OfPhases(shape=shape), steps=steps, rate=0.1, optimizer="adam", jitter=jitter, zoom=0.5
        ),
    }  # fmt: skip
