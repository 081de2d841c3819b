"""Images from 0 to 1: as they are stored, at other sizes, and drawn ones."""

import jax
import numpy as np
from jaxtyping import Float, Num, UInt8

from .classifier import WHITE

Image = Float[np.ndarray, "h w c"]
SKY, CLOUD = (0.30, 0.52, 0.80), (0.96, 0.96, 0.97)


def stored(images: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Images as bytes."""
    return np.rint(WHITE * images).astype(np.uint8)


def resized(image: Num[np.ndarray, "h w c"], size: tuple[int, ...]) -> Float[np.ndarray, "h2 w2 c"]:
    """An image at another size, height and width."""
    if image.shape[:2] == size:
        return np.asarray(image, np.float32)
    return np.asarray(jax.image.resize(image, (*size, image.shape[-1]), "linear"))


def clouds(size: tuple[int, int], channels: int, seed: int) -> Image:
    """Drawn clouds: noise whose waves count less the shorter they are, white on blue.

    Args:
        size: height and width.
        channels: 3, or the brightness alone.
        seed: of the noise.
    """
    frequencies = np.hypot(np.fft.fftfreq(size[0])[:, None] * size[0] / size[1], np.fft.rfftfreq(size[1]))
    noise = np.fft.rfft2(np.random.default_rng(seed).normal(size=size))
    height = np.fft.irfft2(noise / np.maximum(frequencies * size[1], 2) ** 1.7, size)
    cover = np.clip(0.25 + height / height.std() / 2, 0, 1)[..., None]
    picture = (np.array(SKY) + cover * (np.array(CLOUD) - np.array(SKY))).astype(np.float32)
    return picture if channels == len(SKY) else picture.mean(axis=-1, keepdims=True).repeat(channels, axis=-1)
