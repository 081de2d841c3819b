"""How much of its receptive field a network really looks at.

Luo, Li, Urtasun, Zemel 2016: Understanding the Effective Receptive Field in Deep Convolutional Neural Networks
(arXiv:1701.04128): the gradient of an output in the middle by the pixels is concentrated around its centre, the more so
the more layers there are.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

Network = Callable[[Float[Array, "b h w c"]], Float[Array, "b h2 w2 d"]]


def effective_field(
    networks: Sequence[Network], images: Float[Array, "b h w c"], key: Key[Array, ""]
) -> Float[np.ndarray, "height width"]:
    """The squared gradient of the middle output by every pixel, averaged over networks, images and channels.

    Args:
        networks: of one shape with weights of their own; each gives maps.
        images: large enough for all of the receptive field of the middle output.
        key: of the signs with which the gradients of the outputs' channels are added up.

    Returns:
        The part of the image that the output depends on at all.
    """
    squares = [
        _squared_gradient(network, images, own)
        for network, own in zip(networks, jax.random.split(key, len(networks)), strict=True)
    ]
    mean = np.mean(squares, axis=0)
    rows, columns = (np.flatnonzero(mean.any(axis=axis)) for axis in (1, 0))
    return mean[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _squared_gradient(
    network: Network, images: Float[Array, "b h w c"], key: Key[Array, ""]
) -> Float[np.ndarray, "h w"]:
    maps, pull_back = jax.vjp(network, images)
    count, height, width, channels = maps.shape
    # Random signs: on average the squares of all channels are added, and no two channels cancel.
    signs = jax.random.rademacher(key, (count, channels), maps.dtype)
    (gradients,) = pull_back(jnp.zeros_like(maps).at[:, height // 2, width // 2].set(signs))
    return np.asarray((gradients**2).mean(axis=(0, 3)))


def spread(field: Float[np.ndarray, "height width"]) -> float:
    """The standard deviation of an effective field around its centre in one dimension, in pixels.

    Layers of k x k filters with independent random weights add (k² - 1) / 12 each to its square, so three 3x3 filters
    come to 1.4 pixels, and one 7x7 filter, which sees as far, to 2.
    """
    shares = field / field.sum()
    variances = []
    for axis in (0, 1):
        profile = shares.sum(axis=1 - axis)
        places = np.arange(len(profile))
        variances.append(profile @ (places - profile @ places) ** 2)
    return float(np.sqrt(np.mean(variances)))
