"""Inversion: images from what layers saw of others (Mahendran and Vedaldi 2016, arXiv:1512.02017; chapter Fig. 56).

`encode` gives the layers of images, `decode` images with such layers. What is lost between both is what a layer does
not tell of an image.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from ..models.base import ImageShape
from .classifier import as_pixels
from .climb import Climbed, Way, climb
from .features import Features, seen_in
from .goals import Alike, squares
from .parametrization import OfPixels
from .priors import GREY, Priors

Codes = list[Float[np.ndarray, "n ..."]]
WEIGHT = 100.0
"""Of the distance of codes, beside the priors: C of the paper."""
PUBLISHED = Priors(norm=1.0, alpha=6.0, variation=1.0, beta=2.0)


def published(shape: ImageShape, steps: int) -> Way:
    """The paper's way with Adam in place of its own steps."""
    return Way(
        parametrization=OfPixels(shape=shape), steps=steps, rate=0.05, optimizer="adam", noise=0.1, priors=PUBLISHED
    )


def encode(features: Features, images: Num[np.ndarray, "n h w c"]) -> Codes:
    """What layers see of images, uint8 or from 0 to 1."""
    return [np.asarray(layer) for layer in seen_in(features, jnp.asarray(as_pixels(images)))]


def decode(features: Features, codes: Codes, way: Way, key: Key[Array, ""], kept: tuple[int, ...] = ()) -> Climbed:
    """Images of which layers see what codes say, from grey with noise on.

    Args:
        features: whose layers the codes are of.
        codes: of each layer.
        way: how to get there.
        key: of the noise.
        kept: steps after which images are kept, beside the last.
    """
    grey = np.full((len(codes[0]), *way.parametrization.shape), GREY, np.float32)
    return climb(Alike(features, [jnp.asarray(code) for code in codes], WEIGHT), way, grey, key, kept)


class Lost(NamedTuple):
    """How far decoded images are from those that were encoded.

    Attributes:
        features: distance of the codes, over the length of those of the image.
        images: distance of the pixels, over that of the image from its mean colour; 1 is as far as one colour.
    """

    features: Float[np.ndarray, "n"]
    images: Float[np.ndarray, "n"]


def lost(features: Features, decoded: Num[np.ndarray, "n h w c"], images: Num[np.ndarray, "n h w c"]) -> Lost:
    """Compares decoded images with those that were encoded."""
    theirs, ours = (as_pixels(each) for each in (images, decoded))
    codes = list(zip(encode(features, ours), encode(features, theirs), strict=True))
    apart, whole = (sum(map(_squares, each)) for each in ([a - b for a, b in codes], [b for _, b in codes]))
    spread = _squares(theirs - theirs.mean(axis=(1, 2), keepdims=True))
    return Lost(np.sqrt(apart / whole), np.sqrt(_squares(ours - theirs) / spread))


def _squares(values: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n"]:
    return np.asarray(squares(jnp.asarray(values)))
