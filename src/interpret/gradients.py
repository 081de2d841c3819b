"""What the gradient of a score says of the pixels: gradient, gradient x input, integrated gradients, SmoothGrad.

All take and give what `src/interpret/explained.py` says. Gradient: Simonyan et al. 2014 (arXiv:1312.6034). Gradient x
input: Shrikumar et al. 2016 (arXiv:1605.01713). Integrated gradients: Sundararajan et al. 2017 (arXiv:1703.01365).
SmoothGrad: Smilkov et al. 2017 (arXiv:1706.03825).

Steps and samples are taken a fixed number at a time, in a Python loop over one compiled program: gradients of
convolutions inside XLA's loops are slow on CPUs.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key
from scipy.special import roots_legendre

from ..config.errors import UserError
from .backward_rules import with_rule
from .explained import BATCH_SIZE, Explained, chunks, explained, like_images, score_of, scores


def gradient(
    network: nnx.Module, images: Any, target: Any = None, *, rule: str = "gradient", batch_size: int = BATCH_SIZE
) -> Float[np.ndarray, "n h w c"]:
    """The gradient of the score by every pixel, or what another backward rule of ReLU makes of it.

    Args:
        network: any NNX module that gives scores of classes.
        images: what it takes.
        target: the class of each image; the predicted one if missing.
        rule: `gradient`, `deconvnet` or `guided`; see `src/interpret/backward_rules.py`.
        batch_size: images at once.

    Raises:
        UserError: the input does not fit, or the rule does not apply to the network.
    """
    given = explained(network, images, target, batch_size)
    return _pulled(given, rule)


def gradient_x_input(
    network: nnx.Module, images: Any, target: Any = None, *, batch_size: int = BATCH_SIZE
) -> Float[np.ndarray, "n h w c"]:
    """Every pixel times its gradient: the pixel's share of the score in a linear network without bias.

    Raises:
        UserError: the input does not fit.
    """
    given = explained(network, images, target, batch_size)
    return given.images * _pulled(given, "gradient")


def integrated_gradients(
    network: nnx.Module,
    images: Any,
    target: Any = None,
    *,
    baseline: Any = 0.0,
    steps: int = 50,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n h w c"]:
    """The gradient, averaged on the straight way from a baseline to the image, times the way.

    The sum over the pixels is the difference between the scores of both, up to the error of the integration, which
    `completeness` gives. It is by Gauss and Legendre's rule, as in Captum.

    Args:
        network: any NNX module that gives scores of classes.
        images: what it takes.
        target: the class of each image; the predicted one if missing.
        baseline: a number, an image, or one for each image; 0 is the mean of normalized images.
        steps: places on the way.
        batch_size: images at all places that are computed at once.

    Raises:
        UserError: the input does not fit.
    """
    given = explained(network, images, target, batch_size)
    start = like_images(baseline, given.images, "baseline")
    places, weights = roots_legendre(_at_least_one("steps", steps))
    dtype = given.images.dtype
    shares = _chunks((places + 1).astype(dtype) / 2, weights.astype(dtype) / 2, size=given.copies)

    def of_batch(images: Array, targets: Array, start: Array) -> Array:
        way, total = images - start, jnp.zeros_like(images)
        for place, weight in shares:
            total += _mean_gradient(given.network, start, way, targets, place, weight)
        return way * total

    return given.in_batches(of_batch, start)


def completeness(
    network: nnx.Module,
    images: Any,
    attributions: Float[np.ndarray, "n h w c"],
    target: Any = None,
    *,
    baseline: Any = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n"]:
    """The sum of attributions less the difference of scores between image and baseline: 0 where they are complete.

    Raises:
        UserError: the input does not fit.
    """
    given = explained(network, images, target, batch_size)
    start = like_images(baseline, given.images, "baseline")
    compiled = jax.jit(lambda network, x, targets: score_of(scores(network, x), targets))

    def difference(images: Array, targets: Array, start: Array) -> Array:
        return compiled(network, images, targets) - compiled(network, start, targets)

    return attributions.sum((1, 2, 3)) - given.in_batches(difference, start)


def smooth_grad(
    network: nnx.Module,
    images: Any,
    target: Any = None,
    *,
    noise: float = 0.15,
    samples: int = 50,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Float[np.ndarray, "n h w c"]:
    """The gradient, averaged over images with Gaussian noise; the noise does not depend on batches.

    Args:
        network: any NNX module that gives scores of classes.
        images: what it takes.
        target: the class of each image; that of the image without noise if missing.
        noise: its standard deviation over the range of the image's values; the paper's is 0.1 to 0.2.
        samples: noisy copies of each image.
        seed: of the noise.
        batch_size: noisy images at once.

    Raises:
        UserError: the input does not fit.
    """
    given = explained(network, images, target, batch_size)
    numbers = np.arange(_at_least_one("samples", samples), dtype=np.int32)
    shares = _chunks(numbers, np.full(samples, 1 / samples, given.images.dtype), size=given.copies)
    key = jax.random.key(seed)

    def of_batch(images: Array, targets: Array, numbers: Array) -> Array:
        scale = noise * jnp.ptp(images, axis=(1, 2, 3), keepdims=True)
        total = jnp.zeros_like(images)
        for sample, weight in shares:
            drawn = scale * _noise(key, numbers, sample, images.shape[1:])
            total += _mean_gradient(given.network, images, drawn, targets, np.ones_like(weight), weight)
        return total

    return given.in_batches(of_batch, np.arange(len(given.images), dtype=np.int32))


def _pulled(given: Explained, rule: str) -> Float[np.ndarray, "n h w c"]:
    return given.in_batches(partial(_gradient, given.network, rule=rule))


@partial(jax.jit, static_argnames="rule")
def _gradient(
    network: nnx.Module, images: Float[Array, "b h w c"], targets: Int[Array, "b"], *, rule: str
) -> Float[Array, "b h w c"]:
    ruled = with_rule(scores, rule)
    return jax.grad(lambda x: score_of(ruled(network, x), targets).sum())(images)


@jax.jit
def _mean_gradient(
    network: nnx.Module,
    images: Float[Array, "b h w c"],
    steps: Float[Array, "*copies b h w c"],
    targets: Int[Array, "b"],
    sizes: Float[Array, "copies"],
    weights: Float[Array, "copies"],
) -> Float[Array, "b h w c"]:
    """The weighted sum of the gradients at several places near each image: after `sizes` times a step."""
    moved = images + sizes[:, None, None, None, None] * steps
    flat, classes = moved.reshape(-1, *images.shape[1:]), jnp.tile(targets, len(sizes))
    found = _gradient(network, flat, classes, rule="gradient")
    return jnp.tensordot(weights, found.reshape(moved.shape), 1)


@partial(jax.jit, static_argnames="shape")
def _noise(
    key: Key[Array, ""], numbers: Int[Array, "b"], samples: Int[Array, "copies"], shape: tuple[int, ...]
) -> Float[Array, "copies b h w c"]:
    def drawn(sample: Array, number: Array) -> Array:
        return jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, number), sample), shape)

    return jax.vmap(lambda sample: jax.vmap(lambda number: drawn(sample, number))(numbers))(samples)


def _chunks(values: np.ndarray, weights: np.ndarray, *, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and their weights, so many at a time; the last ones are filled up with values of weight 0."""
    return list(zip(chunks(values, size), chunks(weights, size), strict=True))


def _at_least_one(name: str, number: int) -> int:
    """The number.

    Raises:
        UserError: it is smaller than 1.
    """
    if number < 1:
        raise UserError(f"{name}={number}: should be at least 1")
    return number
