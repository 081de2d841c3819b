"""Max- and average-pooling by our own kernels, with gradients."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .arrays import Maps
from .calls import Arrays, OfBytes, Shapes, called
from .varying import together
from .window import Pair, Window


@dataclass(frozen=True)
class Pool:
    """Base class of pooling calls; windows ignore positions outside the maps.

    Attributes:
        maps: rows and columns of the input.
        size: of a window.
        window: strides and padding, without dilation.
    """

    maps: Pair
    size: Pair
    window: Window

    @property
    def attributes(self) -> dict[str, Any]:
        (above, _), (left, _) = self.window.padding
        return {"window": np.array([*self.size, *self.window.strides, above, left], np.int64)}

    def inward(self, dy: Array) -> tuple[int, ...]:
        """The shape of the input, from the gradient of the output."""
        return dy.shape[0], *self.maps, dy.shape[3]

    def outward(self, x: Array) -> tuple[int, ...]:
        """The shape of the output."""
        return self.window.outputs(x.shape, (*self.size, 1, x.shape[3]))

    def reduced(self, x: Array, first: float, operation: Any) -> Array:
        """The values of each window, reduced."""
        strides, padding, _ = self.window
        return jax.lax.reduce_window(
            x, first, operation, (1, *self.size, 1), (1, *strides, 1), ((0, 0), *padding, (0, 0))
        )

    def seen(self, x: Array, outside: float) -> list[Array]:
        """For each position of the window, the values that it reads."""
        padded = jnp.pad(x, ((0, 0), *self.window.padding, (0, 0)), constant_values=outside)
        (down, across), (_, rows, columns, _) = self.window.strides, self.outward(x)
        return [
            padded[:, row : row + (rows - 1) * down + 1 : down, column : column + (columns - 1) * across + 1 : across]
            for row in range(self.size[0])
            for column in range(self.size[1])
        ]


class MaxPool(Pool):
    """The largest value of each window, and the index of its first position in the window."""

    def shapes(self, x: Array) -> Shapes:
        return self.outward(x), OfBytes(self.outward(x))

    def reference(self, x: Array) -> Arrays:
        first = jnp.zeros(self.outward(x), jnp.uint8)
        largest = jnp.full(first.shape, jnp.nan)
        for number, (values, inside) in enumerate(
            zip(self.seen(x, -jnp.inf), self.seen(jnp.ones(x.shape), 0.0), strict=True)
        ):
            larger = (inside > 0) & ~(largest >= values)
            largest, first = jnp.where(larger, values, largest), jnp.where(larger, number, first)
        return self.reduced(x, -jnp.inf, jax.lax.max), first


class MaxPoolBack(Pool):
    """The gradient of `MaxPool`: each goes to the first position in its window with the largest value."""

    def shapes(self, first: Array, dy: Array) -> Shapes:
        return (self.inward(dy),)

    def reference(self, first: Array, dy: Array) -> Arrays:
        _, back = jax.vjp(lambda x: self.seen(x, 0.0), *together(jnp.zeros(self.inward(dy)), dy)[:1])
        return back([jnp.where(first == number, dy, 0) for number in range(math.prod(self.size))])


@dataclass(frozen=True)
class AveragePool(Pool):
    """The mean of what each window sees.

    Attributes:
        whole: whether the sum is divided by the size of the whole window, as if padding were zeros.
    """

    whole: bool = False

    @property
    def attributes(self) -> dict[str, Any]:
        return super().attributes | {"whole": self.whole}

    def shapes(self, x: Array) -> Shapes:
        return (self.outward(x),)

    def reference(self, x: Array) -> Arrays:
        rows, columns = self.size
        seen = rows * columns if self.whole else self.reduced(jnp.ones((1, *self.maps, 1)), 0.0, jax.lax.add)
        return (self.reduced(x, 0.0, jax.lax.add) / seen,)


class AveragePoolBack(AveragePool):
    """The gradient of `AveragePool`."""

    def shapes(self, dy: Array) -> Shapes:
        return (self.inward(dy),)

    def reference(self, dy: Array) -> Arrays:
        mean = AveragePool(self.maps, self.size, self.window, self.whole).reference
        _, back = jax.vjp(mean, *together(jnp.zeros(self.inward(dy)), dy)[:1])
        return back((dy,))


def max_pool(library: str, size: Pair, window: Window, x: Maps) -> Maps:
    """The largest value of each window; see `MaxPoolBack` for its gradient.

    Args:
        library: key of loaded kernels.
        size: rows and columns of a window.
        window: how it moves.
        x: float32.
    """
    return _max_pool(library, (x.shape[1:3], size, window), x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _max_pool(library: str, how: tuple[Any, ...], x: Maps) -> Maps:
    return called(library, MaxPool(*how), (x,))[0]


def _max_pool_back(library: str, how: tuple[Any, ...], first: Array, dy: Maps) -> Arrays:
    return called(library, MaxPoolBack(*how), (first, dy))


_max_pool.defvjp(lambda library, how, x: called(library, MaxPool(*how), (x,)), _max_pool_back)


def average_pool(library: str, size: Pair, window: Window, x: Maps, *, whole: bool = False) -> Maps:
    """The mean of what each window sees.

    Args:
        library: key of loaded kernels.
        size: rows and columns of a window.
        window: how it moves.
        x: float32.
        whole: see `AveragePool`.
    """
    return _average_pool(library, (x.shape[1:3], size, window, whole), x)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _average_pool(library: str, how: tuple[Any, ...], x: Maps) -> Maps:
    return called(library, AveragePool(*how), (x,))[0]


def _average_pool_back(library: str, how: tuple[Any, ...], _: None, dy: Maps) -> Arrays:
    return called(library, AveragePoolBack(*how), (dy,))


_average_pool.defvjp(lambda library, how, x: (*called(library, AveragePool(*how), (x,)), None), _average_pool_back)
