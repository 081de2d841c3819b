"""What images climb: functions of images that give one number for each, the larger the better."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .balls import TINY, Pixels
from .features import Features

Values = Float[Array, "b"]
Goal = Callable[[Pixels], Values]


@partial(jax.tree_util.register_dataclass, data_fields=["features", "units"], meta_fields=[])
@dataclass(frozen=True)
class Units:
    """The mean of one unit of the first layer: of a map, or the score of a class before the softmax.

    Attributes:
        features: of the network.
        units: one for each image.
    """

    features: Features
    units: Int[Array, "b"]

    def __call__(self, images: Pixels) -> Values:
        found = self.features(images)[0]
        own = found.reshape(len(images), -1, found.shape[-1]).mean(axis=1)
        return jnp.take_along_axis(own, self.units[:, None], axis=1)[:, 0]


@partial(jax.tree_util.register_dataclass, data_fields=["features", "weights"], meta_fields=[])
@dataclass(frozen=True)
class Energy:
    """How much layers see: half the mean of the squares of their values, added with weights.

    Its gradient in a layer is the layer's own values, over their number: DeepDream's rule to set the gradient to the
    activation (Mordvintsev, Olah, Tyka 2015).

    Attributes:
        features: of the network.
        weights: one for each layer.
    """

    features: Features
    weights: Float[Array, "layers"]

    def __call__(self, images: Pixels) -> Values:
        layers = [layer.reshape(len(images), -1) for layer in self.features(images)]
        return self.weights @ jnp.stack([(layer**2).mean(axis=1) / 2 for layer in layers])


@partial(jax.tree_util.register_dataclass, data_fields=["features", "codes"], meta_fields=["weight"])
@dataclass(frozen=True)
class Alike:
    """How near the layers of images are to those of others.

    Minus the squared distance, relative to the length of what it should be (Mahendran and Vedaldi 2015,
    arXiv:1412.0035, equation 2).

    Attributes:
        features: of the network.
        codes: what each layer should be, for each image.
        weight: of the distance.
    """

    features: Features
    codes: list[Float[Array, "b ..."]]
    weight: float = 1.0

    def __call__(self, images: Pixels) -> Values:
        pairs = zip(self.features(images), self.codes, strict=True)
        apart = [squares(layer - code) / jnp.maximum(squares(code), TINY) for layer, code in pairs]
        return -self.weight * jnp.stack(apart).sum(axis=0)


def squares(values: Float[Array, "b ..."]) -> Values:
    """The sum of the squares, for each image."""
    return (values**2).reshape(len(values), -1).sum(axis=1)
