"""Effective receptive fields.

Luo, Li, Urtasun, Zemel 2016: Understanding the Effective Receptive Field in Deep Convolutional Neural Networks
(arXiv:1701.04128): the gradient of a central output with respect to the pixels is concentrated at the centre, the more
so the deeper the network is.
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
    """The squared gradient of the central output by every pixel, averaged over networks, images and channels.

    Args:
        networks: of one architecture with different weights; each outputs maps.
        images: at least as large as the receptive field of the central output.
        key: of the random signs with which the gradients of the output channels are summed.

    Returns:
        The part of the image that the output depends on.
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

    Each layer of k x k filters with independent random weights adds (k² - 1) / 12 to its square: three 3x3 filters have
    1.4 pixels, and one 7x7 filter, with the same theoretical field, 2.
    """
    shares = field / field.sum()
    variances = []
    for axis in (0, 1):
        profile = shares.sum(axis=1 - axis)
        places = np.arange(len(profile))
        variances.append(profile @ (places - profile @ places) ** 2)
    return float(np.sqrt(np.mean(variances)))
