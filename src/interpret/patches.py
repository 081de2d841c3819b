"""The images of a data set that drive every unit of a layer most, and the patches of them that the units see.

Zeiler and Fergus 2013 (arXiv:1311.2901), Fig. 2. A unit is a channel: the largest value of its map counts, so each
image counts once. All units of all layers are found in one pass.
"""

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from ..models.program import Field
from .layers import Reader

COUNT = 9


class Strongest(NamedTuple):
    """The images that drive each unit of a layer most, the strongest first; of equal ones that with the smaller number.

    Attributes:
        values: the largest value of the unit's map; -inf where there are fewer images.
        images: numbers of the images; -1 where there are fewer.
        positions: row and column of the value in the map; 0 for a layer without maps.
    """

    values: Float[Array | np.ndarray, "units k"]
    images: Int[Array | np.ndarray, "units k"]
    positions: Int[Array | np.ndarray, "units k 2"]


Reconstruct = Callable[[Float[np.ndarray, "k h w c"], int, Int[np.ndarray, "k 2"]], Float[np.ndarray, "k h w c"]]
"""From images, a unit and its positions in their maps to pictures of what drives it there, as large as the images."""


def strongest(
    read: Reader, images: Shaped[np.ndarray, "n h w c"], count: int = COUNT, batch_size: int = 64
) -> dict[str, Strongest]:
    """Goes through the images once, and keeps the strongest ones of each unit.

    Args:
        read: gives the layers of a batch of images: maps, or vectors.
        images: anything that gives arrays when it is sliced.
        count: of images for each unit.
        batch_size: images at a time; memory grows with it, with `count` and with the units, not with the images.
    """
    kept: dict[str, Strongest] = {}
    for first in range(0, len(images), batch_size):
        batch = np.asarray(images[first : first + batch_size])
        numbers = np.pad(np.arange(first, first + len(batch)), (0, batch_size - len(batch)), constant_values=-1)
        filled = np.pad(batch, [(0, batch_size - len(batch)), *[(0, 0)] * (batch.ndim - 1)])
        for name, outputs in read(filled).items():
            before = kept.get(name) or _none(outputs.shape[-1], count)
            kept[name] = _merged(before, outputs, numbers)
    return jax.tree.map(np.asarray, kept)


def _none(units: int, count: int) -> Strongest:
    return Strongest(
        jnp.full((units, count), -jnp.inf),
        jnp.full((units, count), -1, jnp.int32),
        jnp.zeros((units, count, 2), jnp.int32),
    )


@partial(jax.jit, donate_argnums=0)
def _merged(kept: Strongest, outputs: Float[Array, "b ... units"], numbers: Int[Array | np.ndarray, "b"]) -> Strongest:
    """The strongest of those kept and of a batch; a number of -1 is no image."""
    batch, *sides, units = outputs.shape
    flat = outputs.astype(jnp.float32).reshape(batch, -1, units)
    places = flat.argmax(axis=1)
    values = flat.max(axis=1)
    values = jnp.where((numbers[:, None] < 0) | jnp.isnan(values), -jnp.inf, values)
    width = sides[-1] if sides else 1
    positions = jnp.stack([places // width, places % width], axis=-1).astype(jnp.int32)
    images = jnp.broadcast_to(jnp.asarray(numbers, jnp.int32)[:, None], (batch, units))
    every = Strongest(
        *(
            jnp.concatenate([old, jnp.swapaxes(new, 0, 1)], axis=1)
            for old, new in zip(kept, (values, images, positions), strict=True)
        )
    )
    top, order = jax.lax.top_k(every.values, kept.values.shape[1])
    chosen = jnp.take_along_axis(every.images, order, axis=1)
    chosen = jnp.where(jnp.isfinite(top), chosen, -1)
    return Strongest(top, chosen, jnp.take_along_axis(every.positions, order[..., None], axis=1))


def patch(
    image: Shaped[np.ndarray, "h w c"], field: Field, position: Int[np.ndarray, "2"]
) -> Float[np.ndarray, "height width c"]:
    """What a unit sees of an image, in a frame as large as its field, or as the image where the field is larger.

    Args:
        image: the whole.
        field: of the unit's layer.
        position: row and column in the map.

    Returns:
        NaN where the unit sees nothing, and beyond the borders of the image.
    """
    place, sides = [int(each) for each in position], image.shape[:2]
    framed, hidden = [], []
    for axis, (seen, side) in enumerate(zip(field.pixels(place, sides), sides, strict=True)):
        pixels = np.arange(side)
        if field.place is not None and field.size[axis] < side:
            pixels = np.arange(field.size[axis]) + ceil(field.place.start[axis] + field.place.step[axis] * place[axis])
        framed.append(pixels.clip(0, side - 1))
        hidden.append((pixels < seen.start) | (pixels >= seen.stop))
    shown = image[np.ix_(*framed)].astype(np.float32)
    shown[hidden[0]], shown[:, hidden[1]] = np.nan, np.nan
    return shown


def patches(
    images: Shaped[np.ndarray, "n h w c"],
    found: Strongest,
    unit: int,
    field: Field,
    reconstruct: Reconstruct | None = None,
) -> tuple[Float[np.ndarray, "k height width c"], Float[np.ndarray, "k height width c"] | None]:
    """The patches of the strongest images of a unit, and beside them what of each drives the unit.

    Args:
        images: those that were searched.
        found: in them.
        unit: number of the channel.
        field: of the layer.
        reconstruct: makes the pictures beside the patches, such as by the rule of a deconvnet; none without.
    """
    numbers = found.images[unit][found.images[unit] >= 0]
    positions = np.asarray(found.positions[unit][: len(numbers)])
    whole = np.stack([images[int(number)] for number in numbers])

    def cut(pictures: Shaped[np.ndarray, "k h w c"]) -> Float[np.ndarray, "k height width c"]:
        return np.stack([patch(picture, field, each) for picture, each in zip(pictures, positions, strict=True)])

    return cut(whole), None if reconstruct is None else cut(reconstruct(whole, unit, positions))
