"""The loop by which images climb a goal, all of a batch at once.

Steps up to the next image that is kept are one compiled program: with the project's kernels, or on an accelerator, they
cost no more there than one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, Num

from ..randomness import Scalar, at
from .balls import TINY, Pixels
from .classifier import as_pixels
from .goals import Goal, Values
from .parametrization import Parameters, Parametrization
from .priors import NO_PRIORS, Priors
from .transforms import jittered, zoomed


@dataclass(frozen=True, kw_only=True)
class Way:
    """How images climb.

    Attributes:
        parametrization: what of them is changed.
        steps: how many.
        rate: length of a step: with `gradient` that of the mean pixel, with `adam` that of Kingma and Ba 2015.
        optimizer: `gradient` divides the gradient of an image by the mean size of its values.
        momentum: of the gradient before.
        noise: standard deviation of what is added to the images at the beginning.
        jitter: largest shift before each look, in pixels.
        zoom: side of the smallest window that is looked at, as a part of that of the image.
        priors: what is subtracted from the goal.
    """

    parametrization: Parametrization
    steps: int
    rate: float
    optimizer: Literal["gradient", "adam"] = "gradient"
    momentum: float = 0.0
    noise: float = 0.0
    jitter: int = 0
    zoom: float = 1.0
    priors: Priors = NO_PRIORS

    def transformation(self) -> optax.GradientTransformation:
        """The optimizer."""
        if self.optimizer == "adam":
            return optax.adam(self.rate)
        return optax.chain(optax.stateless(_of_unit_size), optax.sgd(self.rate, self.momentum or None))

    def look(self, images: Pixels, keys: Key[Array, "b"]) -> Pixels:
        """The images as the network sees them in one step."""
        if self.zoom < 1:
            images = zoomed(images, self.zoom, jax.vmap(lambda key: at(key, 0))(keys))
        return jittered(images, self.jitter, jax.vmap(lambda key: at(key, 1))(keys)) if self.jitter else images


class Place(NamedTuple):
    """Where the images of a batch are.

    Attributes:
        parameters: of each.
        optimizer: its state.
        step: how many are done.
        values: of the goal before each step, for each image; NaN where there was none yet.
    """

    parameters: Parameters
    optimizer: Any
    step: Int[Array, ""]
    values: Float[Array, "steps b"]


class Climbed(NamedTuple):
    """Images on their way.

    Attributes:
        steps: after which they were kept.
        images: after each of these, from 0 to 1.
        values: of the goal before each step.
    """

    steps: Int[np.ndarray, "kept"]
    images: Float[np.ndarray, "kept b h w c"]
    values: Float[np.ndarray, "steps b"]


def climb(
    goal: Goal, way: Way, images: Num[np.ndarray, "b h w c"], key: Key[Array, ""], kept: Sequence[int] = ()
) -> Climbed:
    """Lets images climb.

    Args:
        goal: from images to a number for each.
        way: how.
        images: to begin with, uint8 or from 0 to 1.
        key: of the random numbers; those of an image do not depend on the others.
        kept: steps after which the images are kept; 0 is before the first. The last is kept always.

    Raises:
        UserError: the images are out of range.
    """
    keys = jax.vmap(lambda number: at(key, number))(jnp.arange(len(images)))
    steps = sorted({*kept, way.steps})
    place = begin(way, jnp.asarray(as_pixels(images)), keys)
    found: list[Float[np.ndarray, "b h w c"]] = []
    for step in steps:
        place = further(way, goal, keys, place, step)
        found.append(np.asarray(way.parametrization.images(place.parameters)))
    return Climbed(np.array(steps), np.stack(found), np.asarray(place.values))


@partial(jax.jit, static_argnames="way")
def begin(way: Way, images: Pixels, keys: Key[Array, "b"]) -> Place:
    """The images before the first step."""
    parameters = way.parametrization.begin(images, way.noise, jax.vmap(lambda key: at(key, 0))(keys))
    values = jnp.full((way.steps, len(images)), jnp.nan)
    return Place(parameters, way.transformation().init(parameters), jnp.int32(0), values)


@partial(jax.jit, static_argnames="way")
def further(way: Way, goal: Goal, keys: Key[Array, "b"], place: Place, until: Scalar) -> Place:
    """The images after so many steps in all."""
    return jax.lax.fori_loop(place.step, until, lambda _, place: step(way, goal, keys, place), place)


def step(way: Way, goal: Goal, keys: Key[Array, "b"], place: Place) -> Place:
    """The images after one step more."""
    looks = jax.vmap(lambda key: at(key, 1, place.step))(keys)

    def total(parameters: Parameters) -> tuple[Float[Array, ""], Values]:
        images = way.parametrization.images(parameters)
        values = goal(way.look(images, looks))
        return (way.priors(images) - values).sum(), values

    gradient, values = jax.grad(total, has_aux=True)(place.parameters)
    change, optimizer = way.transformation().update(gradient, place.optimizer)
    moved = way.parametrization.moved(place.parameters, change, place.step / max(1, way.steps - 1))
    return Place(moved, optimizer, place.step + 1, place.values.at[place.step].set(values))


def _of_unit_size(gradients: Parameters, parameters: Parameters) -> Parameters:
    """Gradients over the mean size of the values of each image; zero stays zero."""
    del parameters

    def divided(gradient: Float[Array, "b ..."]) -> Float[Array, "b ..."]:
        axes = tuple(range(1, gradient.ndim))
        return gradient / jnp.maximum(jnp.abs(gradient).mean(axis=axes, keepdims=True), TINY)

    return jax.tree.map(divided, gradients)
