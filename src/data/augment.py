"""Random changes of training images, inside the compiled step."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, Num

from ..randomness import at
from .settings import AugmentSettings
from .zoom import Zoom, zoomed

Image = Float[Array, "h w c"]

ZOOM = 5
"""The draw of an example's key for its scale and shift; `_purposes` are older, 3 and 4 belong to batches."""


class Moves(NamedTuple):
    """How the images of a batch are moved; what belongs to their pixels, such as masks, has to move with them.

    Attributes:
        size: height and width of the images.
        zoom: scale and shift, which come first; None for neither.
        padding: pixels on each side before the crop.
        corners: row and column of each crop in the padded image; None for no crops.
        mirrored: whether left and right change places, in the end; None for never.
    """

    size: tuple[int, int]
    zoom: Zoom | None
    padding: int
    corners: Int[Array, "b 2"] | None
    mirrored: Bool[Array, "b"] | None


def draw_moves(keys: Key[Array, "b"], settings: AugmentSettings, size: tuple[int, int]) -> Moves:
    """Draws the moves of every image by a key of its own, so that neighbours in the batch do not matter.

    Args:
        keys: one for each image.
        settings: which moves.
        size: height and width of the images.
    """
    crop_keys, flip_keys, _ = _purposes(keys)
    corners = jax.vmap(lambda key: jax.random.randint(key, (2,), 0, 2 * settings.crop + 1))(crop_keys)
    mirrored = jax.vmap(jax.random.bernoulli)(flip_keys)
    return Moves(
        size,
        jax.vmap(partial(_drawn_zoom, settings=settings))(keys) if settings.zooms else None,
        settings.crop,
        corners if settings.crop else None,
        mirrored if settings.flip else None,
    )


def _drawn_zoom(key: Key[Array, ""], *, settings: AugmentSettings) -> Zoom:
    scale, *shift = jax.random.uniform(at(key, ZOOM), (3,), minval=-1, maxval=1)
    return Zoom(1 + settings.scale * scale, settings.shift * jnp.stack(shift))


def moved(maps: Num[Array, "b h w ..."], moves: Moves, fill: Num[Array, "h w ..."]) -> Num[Array, "b h w ..."]:
    """Scales, shifts, crops and mirrors images, or what belongs to their pixels.

    Args:
        maps: of each example; whole numbers, such as classes, are taken as they are, others interpolated.
        moves: of each example.
        fill: what is shown outside of a map.
    """
    if moves.zoom is not None:
        maps = jax.vmap(partial(zoomed, fill=fill))(maps, moves.zoom)
    if moves.corners is not None:
        maps = jax.vmap(partial(_cropped, padding=moves.padding, fill=fill))(maps, moves.corners)
    if moves.mirrored is not None:
        maps = jax.vmap(lambda each, mirrored: jnp.where(mirrored, each[:, ::-1], each))(maps, moves.mirrored)
    return maps


def augmented(
    images: Float[Array, "b h w c"], keys: Key[Array, "b"], moves: Moves, settings: AugmentSettings, black: Image
) -> Float[Array, "b h w c"]:
    """Changes every image at random.

    Args:
        images: normalized images.
        keys: one for each image; the moves were drawn from them.
        moves: of each image.
        settings: which changes.
        black: what a black image looks like after normalization.
    """
    fill = black if settings.fill == "black" else jnp.zeros_like(black)
    images = moved(images, moves, fill)
    if settings.cutout:
        images = jax.vmap(partial(_cut_out, size=settings.cutout, fill=fill))(images, _purposes(keys)[2])
    return images


def _purposes(keys: Key[Array, "b"]) -> Key[Array, "3 b"]:
    """Keys for the crop, the mirror image and the cutout of each image."""
    return jnp.moveaxis(jax.vmap(partial(jax.random.split, num=3))(keys), 1, 0)


def _cropped(
    each: Num[Array, "h w ..."], corner: Int[Array, "2"], *, padding: int, fill: Num[Array, "h w ..."]
) -> Num[Array, "h w ..."]:
    """A window of the map's own size out of the padded map."""
    border = ((padding, padding), (padding, padding), *((0, 0) for _ in each.shape[2:]))
    inside = jnp.pad(jnp.ones_like(each, bool), border)
    padded = jnp.where(inside, jnp.pad(each, border), jnp.pad(fill, border, mode="edge"))
    return jax.lax.dynamic_slice(padded, (*corner, *(0 for _ in each.shape[2:])), each.shape)


def _cut_out(image: Image, key: Key[Array, ""], *, size: int, fill: Image) -> Image:
    """The image without a square around a random pixel; near a border a part of the square is outside."""
    height, width, _ = image.shape
    row, column = jax.random.randint(key, (2,), 0, jnp.array([height, width]))
    top, left = row - size // 2, column - size // 2
    rows, columns = jnp.arange(height)[:, None, None], jnp.arange(width)[None, :, None]
    inside = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
    return jnp.where(inside, fill, image)
