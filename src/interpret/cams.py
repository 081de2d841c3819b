"""Class activation maps: where in the image the maps of a layer speak for a class.

Grad-CAM: Selvaraju et al. 2017 (arXiv:1610.02391). Grad-CAM++: Chattopadhay et al. 2018 (arXiv:1710.11063), whose
weights are closed forms for the exponential of the score. The maps of the layer are added with weights that come from
their gradients, ReLU leaves what speaks for the class, and bilinear interpolation brings the sum to the image's size.
They take and give what `src/interpret/explained.py` says.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from ..config.errors import UserError
from ..models.captured import in_evaluation
from ..models.taps import tap
from .explained import BATCH_SIZE, explained, score_of

Weights = Callable[[Array, Array], Array]


def grad_cam(
    network: nnx.Module, images: Any, target: Any = None, *, layer: str, batch_size: int = BATCH_SIZE
) -> Float[np.ndarray, "n h w"]:
    """The maps of a layer, each weighted by the mean of its gradient.

    Args:
        network: any NNX module that gives scores of classes.
        images: what it takes.
        target: the class of each image; the predicted one if missing.
        layer: its name in the layer table, or that of a part that holds it; mostly the last one with space.
        batch_size: images at once.

    Raises:
        UserError: the input does not fit; there is no such layer, with the nearest name; it has no space.
    """
    return _cam(network, images, target, layer, batch_size, mean_gradients)


def grad_cam_plus_plus(
    network: nnx.Module, images: Any, target: Any = None, *, layer: str, batch_size: int = BATCH_SIZE
) -> Float[np.ndarray, "n h w"]:
    """The maps of a layer, weighted so that objects that are there several times count equally; see `grad_cam`.

    Raises:
        UserError: as `grad_cam`.
    """
    return _cam(network, images, target, layer, batch_size, positive_gradients)


def mean_gradients(maps: Float[Array, "b h w c"], gradients: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """The weight of each value of Grad-CAM: the mean gradient of its map."""
    return jnp.broadcast_to(gradients.mean((1, 2), keepdims=True), maps.shape)


def positive_gradients(maps: Float[Array, "b h w c"], gradients: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """That of Grad-CAM++, equations 5 and 19: a weighted sum of the positive gradients, up to a factor exp(score)."""
    below = 2 * gradients**2 + maps.sum((1, 2), keepdims=True) * gradients**3
    shares = jnp.where(below == 0, 0, gradients**2 / jnp.where(below == 0, 1, below))
    return jnp.broadcast_to((shares * jnp.maximum(gradients, 0)).sum((1, 2), keepdims=True), maps.shape)


def _cam(
    network: nnx.Module, images: Any, target: Any, layer: str, batch_size: int, weights: Weights
) -> Float[np.ndarray, "n h w"]:
    given = explained(network, images, target, batch_size)
    return given.in_batches(partial(_map, network, layer=layer, weights=weights))


@partial(jax.jit, static_argnames=("layer", "weights"))
def _map(
    network: nnx.Module,
    images: Float[Array, "b h w c"],
    targets: Int[Array, "b"],
    *,
    layer: str,
    weights: Weights,
) -> Float[Array, "b h w"]:
    def score(added: Array) -> tuple[Array, Array]:
        tapped, maps = in_evaluation(network), []

        def change(found: Array) -> Array:
            maps.append(found + added)
            return maps[-1]

        tap(tapped, layer, change)
        return score_of(tapped(images), targets).sum(), maps[0]

    zeros = jnp.zeros((len(images), *_shape(network, images, layer)))
    gradients, maps = jax.grad(score, has_aux=True)(zeros)
    summed = jnp.maximum((weights(maps, gradients) * maps).sum(-1), 0)
    return jax.image.resize(summed, images.shape[:3], "linear", antialias=False)


def _shape(network: nnx.Module, images: Float[Array, "b h w c"], layer: str) -> tuple[int, ...]:
    """The shape of the maps of one image.

    Raises:
        UserError: the layer gives none, or is not used once.
    """
    found: list[Any] = []

    def noted(maps: Any) -> Any:
        found.append(maps)
        return maps

    def call(network: nnx.Module, images: Array) -> Any:
        tapped = in_evaluation(network)
        tap(tapped, layer, noted)
        return tapped(images)

    jax.eval_shape(call, network, jax.ShapeDtypeStruct((1, *images.shape[1:]), images.dtype))
    shapes = [getattr(each, "shape", ()) for each in found]
    if len(shapes) != 1:
        raise UserError(f"layer={layer}: it is used {len(shapes)} times for an image; its maps should be made once")
    if len(shapes[0]) != 4:
        raise UserError(f"layer={layer}: it gives no maps, which have height, width and channels, but {shapes[0][1:]}")
    return tuple(shapes[0][1:])
