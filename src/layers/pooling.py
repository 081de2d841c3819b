"""Pooling layers over one or two spatial dimensions (chapter Figs 7 and 8)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from .blocks import Padding


class Pool(nnx.Module):
    """Base class of pooling over windows of each channel.

    Attributes:
        size: side of the window.
        stride: of the window; `size` by default.
        padding: pixels on each side, which maxima and averages ignore, or "SAME" or "VALID".
        ceil: whether the output size is rounded up, so that the last window may extend beyond the edge.
    """

    def __init__(self, size: int, stride: int | None = None, *, padding: Padding = 0, ceil: bool = False) -> None:
        self.size, self.stride, self.padding, self.ceil = size, stride or size, padding, ceil

    def _sides(self, x: Array) -> str | tuple[tuple[int, int], ...]:
        """The padding of each spatial dimension."""
        if isinstance(self.padding, str):
            return self.padding
        spatial = x.shape[1:-1]
        given = [(self.padding,) * 2] * len(spatial) if isinstance(self.padding, int) else list(self.padding)
        over = [-(side + sum(pad) - self.size) % self.stride for side, pad in zip(spatial, given, strict=True)]
        return tuple((low, high + extra * self.ceil) for (low, high), extra in zip(given, over, strict=True))


class MaxPool(Pool):
    """The largest value of each window.

    Attributes:
        max_pool: a faster implementation with the same results, which some devices have, or None for Flax's.
    """

    # No function, even a static one: `nnx.capture` would take it for a method, and its outputs for the layer's.
    max_pool: Callable[..., Array] | None = None

    def __call__(self, x: Float[Array, "b *spatial c"]) -> Float[Array, "b *smaller c"]:
        window = (self.size,) * (x.ndim - 2)
        return (self.max_pool or nnx.max_pool)(x, window, (self.stride,) * (x.ndim - 2), self._sides(x))


class AveragePool(Pool):
    """The mean of each window, without padding unless `counts_padding`.

    Attributes:
        counts_padding: whether padding counts as zeros.
        average_pool: a faster implementation with the same results, which some devices have, or None for Flax's.
    """

    counts_padding = False
    average_pool: Callable[..., Array] | None = None

    def __call__(self, x: Float[Array, "b *spatial c"]) -> Float[Array, "b *smaller c"]:
        window = (self.size,) * (x.ndim - 2)
        strides = (self.stride,) * (x.ndim - 2)
        return (self.average_pool or nnx.avg_pool)(x, window, strides, self._sides(x), self.counts_padding)


class AdaptiveAveragePool(nnx.Module):
    """Means over `size` x `size` windows of about equal size that cover the image, as in PyTorch."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        for axis in (1, 2):
            windows = _windows(x.shape[axis], self.size)
            means = [jax.lax.slice_in_dim(x, low, high, axis=axis).mean(axis) for low, high in windows]
            x = jnp.stack(means, axis)
        return x


def _windows(side: int, number: int) -> list[tuple[int, int]]:
    """Start and end of each window: fractions of the side, rounded outwards."""
    return [(place * side // number, -(-(place + 1) * side // number)) for place in range(number)]


class GlobalMaxPool(nnx.Module):
    """The largest value of each channel."""

    def __call__(self, x: Float[Array, "b *spatial c"]) -> Float[Array, "b c"]:
        return x.max(axis=tuple(range(1, x.ndim - 1)))


class GlobalAveragePool(nnx.Module):
    """The mean of each channel (Lin et al. 2013, arXiv:1312.4400)."""

    def __call__(self, x: Float[Array, "b *spatial c"]) -> Float[Array, "b c"]:
        return x.mean(axis=tuple(range(1, x.ndim - 1)))


class L1Pool(Pool):
    """The sum of the absolute values of each window."""

    def __call__(self, x: Float[Array, "b *spatial c"]) -> Float[Array, "b *smaller c"]:
        return _sums(abs(x), self)


class L2Pool(Pool):
    """The Euclidean norm of each window; at zero the gradient is zero."""

    def __call__(self, x: Float[Array, "b *spatial c"]) -> Float[Array, "b *smaller c"]:
        squares = _sums(x**2, self)
        some = squares > 0
        return jnp.where(some, jnp.sqrt(jnp.where(some, squares, 1)), 0)


def _sums(x: Float[Array, "b *spatial c"], pool: Pool) -> Float[Array, "b *smaller c"]:
    """The sum of each window."""
    sides = (x.ndim - 2) * (pool.size,), (x.ndim - 2) * (pool.stride,)
    return nnx.pool(x, 0.0, jax.lax.add, *sides, pool._sides(x))
