"""How alike the layers of networks are to each other: centred kernel alignment.

Kornblith et al. 2019 (arXiv:1905.00414), with linear kernels: 1 where two layers arrange the images in the same way, up
to rotations and a common scale, 0 where knowing one says nothing of the other. Its three terms are estimated without
bias from batches and averaged (Nguyen et al. 2021, arXiv:2010.15327, equations 2 and 3), so that memory grows with a
batch and not with the number of images.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from ..config.errors import UserError
from .layers import Reader

BATCH_SIZE = 256
FEWEST = 4
"""The unbiased estimate needs so many images in a batch (Song et al. 2012, J. Mach. Learn. Res. 13, 1393-1434)."""


def alignment(
    one: Reader, other: Reader, images: Shaped[np.ndarray, "n h w c"], batch_size: int = BATCH_SIZE
) -> Float[np.ndarray, "layers others"]:
    """The alignment of every layer of one network with every layer of another one, or of the same.

    Args:
        one: gives the layers of a batch of images, which become the rows.
        other: gives those that become the columns.
        images: what both take; those beyond whole batches are left out.
        batch_size: images at a time, at least 4; fewer if there are not as many.

    Returns:
        About 0 to 1; an estimate can be a little below 0. NaN for a layer that does not tell the images apart.

    Raises:
        UserError: a batch has fewer than 4 images.
    """
    size = min(batch_size, len(images))
    if size < FEWEST:
        raise UserError(f"batches of {size} images are too few to compare layers; at least {FEWEST} are needed")
    shared, own, others = np.zeros(()), np.zeros(()), np.zeros(())
    for first in range(0, len(images) - size + 1, size):
        batch = images[first : first + size]
        rows = _kernels([*one(batch).values()])
        columns = rows if other is one else _kernels([*other(batch).values()])
        shared = shared + np.asarray(rows @ columns.T, np.float64)
        own = own + np.asarray((rows**2).sum(1), np.float64)
        others = others + np.asarray((columns**2).sum(1), np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return shared / np.sqrt(np.multiply.outer(own, others))


@jax.jit
def _kernels(layers: list[Float[Array, "b ..."]]) -> Float[Array, "layers pairs"]:
    return jnp.stack([_centred_kernel(values).ravel() for values in layers])


def _centred_kernel(values: Float[Array, "b ..."]) -> Float[Array, "b b"]:
    """The products of all pairs of images without those of an image with itself, centred so that bias goes."""
    flat = values.reshape(len(values), -1).astype(jnp.float32)
    flat -= flat.mean(0)  # changes nothing below but the rounding
    count, others = len(flat), 1 - jnp.eye(len(flat))
    kernel = jnp.matmul(flat, flat.T, precision="highest") / flat.shape[1] * others
    sums = kernel.sum(0)
    return (kernel - (sums[:, None] + sums) / (count - 2) + sums.sum() / ((count - 1) * (count - 2))) * others
