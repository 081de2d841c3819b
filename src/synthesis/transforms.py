"""Changes of images from step to step, so that what they show does not hang on single pixels and places."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ..randomness import at
from .balls import Pixels

Image = Float[Array, "h w c"]


def jittered(images: Pixels, pixels: int, keys: Key[Array, "b"]) -> Pixels:
    """Images that are shifted by up to so many pixels in both directions; what leaves on one side enters on the other.

    Args:
        images: a batch.
        pixels: the largest shift.
        keys: one for each image.
    """

    def shifted(image: Image, key: Key[Array, ""]) -> Image:
        return jnp.roll(image, jax.random.randint(key, (2,), -pixels, pixels + 1), axis=(0, 1))

    return jax.vmap(shifted)(images, keys)


def zoomed(images: Pixels, smallest: float, keys: Key[Array, "b"]) -> Pixels:
    """Windows of images, enlarged to the size of the whole.

    Args:
        images: a batch.
        smallest: the smallest side of a window, as a part of that of the image; it is drawn from there up to 1.
        keys: one for each image.
    """
    size = jnp.array(images.shape[1:3])

    def window(image: Image, key: Key[Array, ""]) -> Image:
        part = jax.random.uniform(at(key, 0), minval=smallest, maxval=1)
        corner = jax.random.uniform(at(key, 1), (2,)) * (1 - part) * size
        scale = jnp.full(2, 1 / part)
        return jax.image.scale_and_translate(
            image, image.shape, (0, 1), scale, -corner * scale, "linear", antialias=False
        )

    return jax.vmap(window)(images, keys)


def blurred(images: Pixels, sigma: Float[Array, ""]) -> Pixels:
    """Images after a Gaussian blur, whose weights sum to 1 at the edge too.

    Args:
        images: a batch.
        sigma: standard deviation in pixels; 0 changes nothing.
    """

    def weights(side: int) -> Float[Array, "side side"]:
        apart = jnp.arange(side)[:, None] - jnp.arange(side)
        found = jnp.exp(-((apart / jnp.maximum(sigma, 1e-3)) ** 2) / 2)
        return found / found.sum(axis=1, keepdims=True)

    return jnp.einsum("yh,xw,bhwc->byxc", weights(images.shape[1]), weights(images.shape[2]), images)


def centred(shape: tuple[int, ...], width: float) -> Float[Array, "h w 1"]:
    """Weights of pixels: 1 in the middle, less towards the edge, as a Gaussian.

    Args:
        shape: of an image.
        width: standard deviation, as a part of the side.
    """
    down, across = (jnp.exp(-((jnp.linspace(-0.5, 0.5, side) / width) ** 2) / 2) for side in shape[:2])
    return (down[:, None] * across)[..., None]
