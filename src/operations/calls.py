"""The kernels as JAX calls: inputs, outputs, and a reference implementation in XLA operations.

A kernel has to agree with its reference. Derivatives of a call are those of the reference, so gradients that consist of
calls can be differentiated again, in forward and reverse mode.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .varying import together
from .window import Window, convolution

Given = Any
"""An array, or None for an optional one that is absent."""
Arrays = tuple[Given, ...]
Shapes = tuple[tuple[int, ...] | None, ...]
"""Shapes of results; None for a result that is not needed."""


class OfBytes(tuple[int, ...]):
    """The shape of a result of type uint8; others are float32."""


@runtime_checkable
class Call(Protocol):
    """A kernel with its static attributes."""

    @property
    def attributes(self) -> dict[str, Any]:
        """The static attributes that the kernel gets in addition to the arrays."""

    @property
    def shapes(self) -> Callable[..., Shapes]:
        """Returns the function from the arrays to the shapes of the results."""

    @property
    def reference(self) -> Callable[..., Arrays]:
        """Returns the function from the arrays to the results, in XLA operations."""


@dataclass(frozen=True)
class Forward:
    """A convolution of relu(scale x + shift) or of x, then optional bias, addend and ReLU; and the output's moments.

    Here and in the other calls a ReLU may have an upper limit, `ceiling`.
    """

    window: Window
    relu: bool = False
    moments: bool = False
    ceiling: float | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return {"window": as_numbers(self.window), "relu": self.relu, "ceiling": as_number(self.ceiling)}

    def shapes(self, x: Array, filters: Array, *_: Given) -> Shapes:
        moments = filters.shape[3:] if self.moments else None
        return self.window.outputs(x.shape, filters.shape), moments, moments

    def reference(
        self, x: Array, filters: Array, scale: Given, shift: Given, bias: Given,
        addend: Given,
    ) -> Arrays:  # fmt: skip
        y = convolution(before(x, scale, shift), filters, self.window)
        y = y if bias is None else y + bias
        y = y if addend is None else y + addend
        y = rectified(y, self.ceiling) if self.relu else y
        return (y, y.mean((0, 1, 2)), y.var((0, 1, 2))) if self.moments else (y, None, None)


@dataclass(frozen=True)
class Backward:
    """Gradients of a convolution with respect to input and filters.

    The incoming gradient dy is masked: where y > 0 and below the ceiling, or where mask_scale z + mask_shift > 0, or
    not at all. The normalization after the convolution makes of it by_gradient dy + by_value z + constant. `addend` is
    added to the gradient of the input. Its sums (`Sums`) are over the positions where the ReLU before the convolution
    is active.
    """

    window: Window
    to_input: bool = True
    to_filters: bool = True
    masked: bool = False
    sums: bool = False
    ceiling: float | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return {"window": as_numbers(self.window), "ceiling": as_number(self.ceiling)}

    def shapes(self, x: Array, filters: Array, scale: Given, shift: Given, dy: Array, *_: Given) -> Shapes:
        sums = x.shape[3:] if self.sums else None
        return (
            x.shape if self.to_input else None,
            filters.shape if self.to_filters else None,
            dy.shape if self.masked else None,
            sums,
            sums,
        )

    def reference(
        self, x: Array, filters: Array, scale: Given, shift: Given, dy: Array, y: Given,
        z: Given, mask_scale: Given, mask_shift: Given, by_gradient: Given,
        by_value: Given, constant: Given, addend: Given, x_mean: Given,
    ) -> Arrays:  # fmt: skip
        masked = passed(dy, y, self.ceiling) if mask_scale is None else passed(dy, mask_scale * z + mask_shift)
        gradient = masked if by_gradient is None else by_gradient * masked + by_value * z + constant
        _, back = jax.vjp(partial(convolution, window=self.window), before(x, scale, shift), filters)
        to_input, to_filters = back(gradient)
        to_input = to_input if addend is None else to_input + addend
        opened = passed(to_input, before(x, scale, shift)) if self.sums else None
        return (
            to_input if self.to_input else None,
            to_filters if self.to_filters else None,
            masked if self.masked else None,
            opened.sum((0, 1, 2)) if opened is not None else None,
            (opened * (x - x_mean)).sum((0, 1, 2)) if opened is not None else None,
        )


@dataclass(frozen=True)
class Apply:
    """scale x + shift + addend, then optional ReLU."""

    relu: bool
    ceiling: float | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return {"relu": self.relu, "ceiling": as_number(self.ceiling)}

    def shapes(self, x: Array, *_: Given) -> Shapes:
        return (x.shape,)

    def reference(self, x: Array, scale: Array, shift: Array, addend: Given) -> Arrays:
        y = scale * x + shift
        y = y if addend is None else y + addend
        return (rectified(y, self.ceiling) if self.relu else y,)


@dataclass(frozen=True)
class Sums:
    """Sums by channel of the masked gradient (y > 0 and below the ceiling), and of its product with z - mean."""

    ceiling: float | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        return {"ceiling": as_number(self.ceiling)}

    def shapes(self, z: Array, *_: Given) -> Shapes:
        return z.shape[3:], z.shape[3:]

    def reference(self, z: Array, y: Given, dy: Array, mean: Array) -> Arrays:
        gradient = passed(dy, y, self.ceiling)
        return gradient.sum((0, 1, 2)), (gradient * (z - mean)).sum((0, 1, 2))


@dataclass(frozen=True)
class MomentsOf:
    """Mean and biased variance by channel."""

    @property
    def attributes(self) -> dict[str, Any]:
        return {}

    def shapes(self, x: Array) -> Shapes:
        return x.shape[3:], x.shape[3:]

    def reference(self, x: Array) -> Arrays:
        return x.mean((0, 1, 2)), x.var((0, 1, 2))


@dataclass(frozen=True)
class NormBack:
    """by_gradient dy + by_value z + constant, by channel, with dy masked by scale z + shift > 0."""

    @property
    def attributes(self) -> dict[str, Any]:
        return {}

    def shapes(self, dy: Array, *_: Given) -> Shapes:
        return (dy.shape,)

    def reference(
        self, dy: Array, z: Array, scale: Array, shift: Array, by_gradient: Array, by_value: Array, constant: Array
    ) -> Arrays:
        return (by_gradient * passed(dy, scale * z + shift) + by_value * z + constant,)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def called(library: str, call: Call, arrays: Arrays) -> Arrays:
    """Calls a kernel of a loaded library, or its reference if an array is empty.

    Args:
        library: key of the library.
        call: which kernel.
        arrays: float32, or results of other calls.
    """
    shapes = call.shapes(*arrays)
    if any(0 in shape for shape in (*(array.shape for array in arrays if array is not None), *filter(None, shapes))):
        return call.reference(*arrays)
    given = together(*(jnp.zeros(0, jnp.float32) if array is None else array for array in arrays))
    types = [
        jax.typeof(given[0]).update(shape=tuple(shape or (0,)), dtype=number_of(shape), weak_type=False)
        for shape in shapes
    ]
    kernel = jax.ffi.ffi_call(target(library, type(call).__name__), types, vmap_method="sequential")
    found = kernel(*given, **call.attributes)
    return tuple(None if shape is None else array for shape, array in zip(shapes, found, strict=True))


@called.defjvp
def _derivative(library: str, call: Call, primals: tuple[Arrays], tangents: tuple[Arrays]) -> tuple[Arrays, Arrays]:
    """Values of the kernel, and tangents of the reference."""
    _, along = jax.jvp(lambda arrays: call.reference(*arrays), primals, tangents)
    return called(library, call, *primals), along


def number_of(shape: tuple[int, ...] | None) -> np.dtype:
    """The dtype of a result."""
    return np.dtype(np.uint8 if isinstance(shape, OfBytes) else np.float32)


def target(library: str, kernel: str) -> str:
    """The FFI name of a kernel. It contains the key of the library, since compiled programs are cached on disk."""
    return f"convnets_{kernel.lower()}_{library}"


def before(x: Array, scale: Given, shift: Given) -> Array:
    """The input of a convolution after the prologue."""
    return x if scale is None else jax.nn.relu(scale * x + shift)


def rectified(y: Array, ceiling: float | None) -> Array:
    """ReLU with an optional ceiling."""
    return jax.nn.relu(y) if ceiling is None else jnp.clip(y, 0, ceiling)


def passed(gradient: Array, y: Given, ceiling: float | None = None) -> Array:
    """A gradient masked by the ReLU with output y; unmasked without y."""
    if y is None:
        return gradient
    return jnp.where((y > 0) if ceiling is None else (y > 0) & (y < ceiling), gradient, 0)


def as_number(ceiling: float | None) -> np.float32:
    """A ceiling as an attribute; NaN for none."""
    return np.float32(np.nan if ceiling is None else ceiling)


def as_numbers(window: Window) -> np.ndarray:
    """A window as an attribute; the padding after the maps follows from the output shape."""
    (above, _), (left, _) = window.padding
    return np.array([*window.strides, above, left, *window.dilation], np.int64)
