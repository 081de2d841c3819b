"""Images, and what belongs to their pixels, enlarged, shrunk and shifted.

Places are measured in pixels from the upper left corner of an image, so that the first pixel reaches from 0 to 1.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Num


class Zoom(NamedTuple):
    """Of one image, or of each of several.

    Attributes:
        scale: factor by which the image is enlarged around its middle.
        shift: downwards and to the right, in parts of height and width.
    """

    scale: Float[Array, "*b"]
    shift: Float[Array, "*b 2"]

    def to(self, places: Float[Array, "*b n"], side: int, axis: int) -> Float[Array, "*b n"]:
        """Where places of the image come to lie.

        Args:
            places: along an axis.
            side: of the image, along it.
            axis: 0 from top to bottom, 1 from left to right.
        """
        middle = side / 2
        return middle + (places - middle) * self.scale[..., None] + side * self.shift[..., axis, None]

    def origins(self, side: int, axis: int) -> Float[Array, "*b side"]:
        """Where what is shown in the middle of each pixel was before."""
        middle = side / 2
        shown = jnp.arange(side) + 0.5 - middle - side * self.shift[..., axis, None]
        return middle + shown / self.scale[..., None]


def zoomed(each: Num[Array, "h w ..."], zoom: Zoom, *, fill: Num[Array, "h w ..."]) -> Num[Array, "h w ..."]:
    """One map after a zoom.

    Args:
        each: whole numbers are taken from the nearest pixel; others are interpolated between the nearest four.
        zoom: of this map.
        fill: what is shown outside of it.
    """
    inside = jnp.ones((), bool)
    found = each
    for axis in (0, 1):
        side = each.shape[axis]
        origins = zoom.origins(side, axis)
        found = _taken(found, origins, axis)
        inside = inside & _along((origins >= 0) & (origins < side), axis, each.ndim)
    return jnp.where(inside, found, fill)


def _taken(each: Num[Array, "h w ..."], origins: Float[Array, "side"], axis: int) -> Num[Array, "h w ..."]:
    """The values at places along an axis; those of the border outside."""
    last = each.shape[axis] - 1
    if jnp.issubdtype(each.dtype, jnp.integer):
        return jnp.take(each, jnp.clip(jnp.floor(origins).astype(int), 0, last), axis=axis)
    # A product of matrices, because XLA would compute gathers anew for every later move that looks at their result.
    weights = jnp.maximum(1 - jnp.abs(jnp.clip(origins - 0.5, 0, last)[:, None] - jnp.arange(last + 1)), 0)
    return jnp.moveaxis(jnp.tensordot(weights, each, (1, axis), precision="highest"), 0, axis)


def _along(values: Array, axis: int, dimensions: int) -> Array:
    """Values along one axis of a map, to be broadcast over the others."""
    return values.reshape([-1 if each == axis else 1 for each in range(dimensions)])
