"""What is changed when an image climbs: its pixels, or the waves that it is made of.

Waves with the weights of natural images give large shapes as easily as small ones, where the gradient of pixels gives
noise first (Olah, Mordvintsev, Schubert 2017, doi:10.23915/distill.00007).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from ..models.base import ImageShape
from .balls import Pixels
from .transforms import blurred, centred

Parameters = Any
"""A tree of arrays with a row for each image."""

Spectrum = Complex[Array, "b h w2 c"]

COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]], np.float32)
"""Red, green and blue in rows, made of brightness, orange to blue and green to purple, which do not depend on each
other in photographs: a root of the covariance of the colours of ImageNet, from Lucid (Olah et al. 2017)."""

LEFT = 0.4
"""Part of a blur that is left at the last step; without any the last steps would add noise."""

NEAREST = 0.01
"""Black and white lie at infinity behind a sigmoid; an image that waves begin with keeps so far from both."""


@dataclass(frozen=True, kw_only=True)
class Parametrization(ABC):
    """From parameters to images.

    Attributes:
        shape: of an image.
    """

    shape: ImageShape

    @abstractmethod
    def begin(self, images: Pixels, noise: float, keys: Key[Array, "b"]) -> Parameters:
        """Parameters of images with noise of this standard deviation; a key for each."""

    @abstractmethod
    def images(self, parameters: Parameters) -> Pixels:
        """From 0 to 1."""

    def moved(self, parameters: Parameters, change: Parameters, progress: Float[Array, ""]) -> Parameters:
        """Parameters after a change; progress is from 0 at the first step to 1 at the last."""
        del progress
        return jax.tree.map(jnp.add, parameters, change)


@dataclass(frozen=True, kw_only=True)
class OfPixels(Parametrization):
    """The pixels themselves.

    Attributes:
        blur: standard deviation of a blur after each step, in pixels, at the first step; it falls to `LEFT` of that.
        centre: how wide the middle is that changes most, as a part of the side; without, all changes alike.
    """

    blur: float = 0.0
    centre: float | None = None

    def begin(self, images: Pixels, noise: float, keys: Key[Array, "b"]) -> Parameters:
        return jnp.clip(images + noise * _normal(keys, self.shape), 0, 1)

    def images(self, parameters: Parameters) -> Pixels:
        found: Pixels = parameters
        return found

    def moved(self, parameters: Parameters, change: Parameters, progress: Float[Array, ""]) -> Parameters:
        if self.centre is not None:
            change *= centred(self.shape, self.centre)
        moved = jnp.clip(parameters + change, 0, 1)
        return blurred(moved, self.blur * (1 - (1 - LEFT) * progress)) if self.blur else moved


@dataclass(frozen=True, kw_only=True)
class OfWaves(Parametrization):
    """The waves of colours that do not depend on each other, behind a sigmoid; they count less the shorter they are."""

    def begin(self, images: Pixels, noise: float, keys: Key[Array, "b"]) -> Parameters:
        spectrum = _spectrum(images) / weights(self.shape)
        waves = jnp.stack([spectrum.real, spectrum.imag])
        return jnp.moveaxis(waves, 0, -1) + noise * _normal(keys, (*waves.shape[2:], 2))

    def images(self, parameters: Parameters) -> Pixels:
        spectrum = jax.lax.complex(parameters[..., 0], parameters[..., 1])
        return _coloured(self._inverse(spectrum * weights(self.shape)))

    def _inverse(self, spectrum: Spectrum) -> Pixels:
        return jnp.fft.irfft2(spectrum, self.shape[:2], axes=(1, 2), norm="ortho")


@dataclass(frozen=True, kw_only=True)
class OfPhases(OfWaves):
    """The phases of waves whose strengths stay as they are in natural images.

    Fel et al. 2023 (arXiv:2306.06805), without their transparency: no wave can become so strong that it is noise.
    """

    def begin(self, images: Pixels, noise: float, keys: Key[Array, "b"]) -> Parameters:
        """The phases are drawn; of the images only the number counts."""
        shape = (*weights(self.shape).shape[:2], self.shape[-1])
        return jax.vmap(lambda key: jax.random.uniform(key, shape, minval=-np.pi, maxval=np.pi))(keys)

    def images(self, parameters: Parameters) -> Pixels:
        pixels = self._inverse(jnp.asarray(weights(self.shape)) * jnp.exp(1j * parameters))
        pixels -= pixels.mean(axis=(1, 2, 3), keepdims=True)
        return _coloured(pixels / pixels.std(axis=(1, 2, 3), keepdims=True))


def weights(shape: ImageShape) -> Float[np.ndarray, "h w2 1"]:
    """How strong waves are in natural images: as one over their frequency, up to a wave as long as the image.

    The scale is Lucid's: waves of standard deviation 0.01 are an even grey to the eye, and those of 1 a full picture.
    """
    height, width = shape[:2]
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    return (0.25 / np.maximum(frequencies, 1 / max(height, width)))[..., None].astype(np.float32)


def _spectrum(images: Pixels) -> Spectrum:
    """The waves of images, before the sigmoid."""
    within = jnp.clip(images, NEAREST, 1 - NEAREST)
    values = jnp.log(within) - jnp.log1p(-within)
    if images.shape[-1] == len(COLOURS):
        values = values @ np.linalg.inv(_mixture()).T
    return jnp.fft.rfft2(values, axes=(1, 2), norm="ortho")


def _coloured(values: Pixels) -> Pixels:
    """Images from 0 to 1; of those with three channels they are mixed."""
    return jax.nn.sigmoid(values @ _mixture().T if values.shape[-1] == len(COLOURS) else values)


def _mixture() -> Float[np.ndarray, "3 3"]:
    """The colours, the strongest of length 1."""
    return COLOURS / np.linalg.norm(COLOURS, axis=0).max()


def _normal(keys: Key[Array, "b"], shape: tuple[int, ...]) -> Float[Array, "b ..."]:
    return jax.vmap(lambda key: jax.random.normal(key, shape))(keys)
