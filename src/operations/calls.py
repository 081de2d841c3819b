"""The calls of a library of kernels: what goes in and comes out, and the same by XLA's operations.

XLA's form is what a call has to agree with, and what its derivatives are taken of: a gradient that is made of calls can
then be differentiated again, forwards or backwards.
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
"""An array, or None where it is left out."""
Arrays = tuple[Given, ...]
Shapes = tuple[tuple[int, ...] | None, ...]
"""None where a result is not wanted."""


class OfBytes(tuple[int, ...]):
    """The shape of a result that consists of bytes; others are float32."""


@runtime_checkable
class Call(Protocol):
    """One kernel with what is fixed about it."""

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes that the kernel gets beside the arrays."""

    @property
    def shapes(self) -> Callable[..., Shapes]:
        """Of the results, from the arrays."""

    @property
    def reference(self) -> Callable[..., Arrays]:
        """The results by XLA's operations, from the arrays."""


@dataclass(frozen=True)
class Forward:
    """A convolution of relu(scale x + shift), or of x; bias, an addend and ReLU after it; moments of what comes out.

    A ReLU may have a ceiling, here and in the other calls.
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
    """Gradients of a convolution's input and filters.

    The gradient dy of what follows passes where y > 0 and below the ceiling, or where mask_scale z + mask_shift > 0, or
    everywhere; by its normalization it is multiplied, and a multiple of z and a constant are added. An addend is added
    to the input's gradient, of which sums are taken (`Sums`) where the ReLU before the convolution is open.
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
    """scale x + shift + addend, and ReLU if it is said."""

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
    """Of the gradient where y > 0 and below the ceiling, or everywhere; and of its product with z - mean."""

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
    """by_gradient dy + by_value z + constant, by channel; of dy what passes where scale z + shift > 0."""

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
    """The results of a kernel of a library that is loaded; XLA's where something is empty.

    Args:
        library: its key.
        call: which kernel.
        arrays: float32, or what another call gave.
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
    """The kernel's values, and the derivatives of XLA's form."""
    _, along = jax.jvp(lambda arrays: call.reference(*arrays), primals, tangents)
    return called(library, call, *primals), along


def number_of(shape: tuple[int, ...] | None) -> np.dtype:
    """What a result of a shape consists of."""
    return np.dtype(np.uint8 if isinstance(shape, OfBytes) else np.float32)


def target(library: str, kernel: str) -> str:
    """The name by which XLA knows a kernel. Compiled programs are kept on disk, so it names the library's version."""
    return f"convnets_{kernel.lower()}_{library}"


def before(x: Array, scale: Given, shift: Given) -> Array:
    """What a convolution reads."""
    return x if scale is None else jax.nn.relu(scale * x + shift)


def rectified(y: Array, ceiling: float | None) -> Array:
    """ReLU, up to a ceiling if there is one."""
    return jax.nn.relu(y) if ceiling is None else jnp.clip(y, 0, ceiling)


def passed(gradient: Array, y: Given, ceiling: float | None = None) -> Array:
    """A gradient where the ReLU that gave y lets it pass; everywhere if y is left out."""
    if y is None:
        return gradient
    return jnp.where((y > 0) if ceiling is None else (y > 0) & (y < ceiling), gradient, 0)


def as_number(ceiling: float | None) -> np.float32:
    """A ceiling as an attribute; NaN for none."""
    return np.float32(np.nan if ceiling is None else ceiling)


def as_numbers(window: Window) -> np.ndarray:
    """A window as an attribute; zeros after the maps follow from the shape that comes out."""
    (above, _), (left, _) = window.padding
    return np.array([*window.strides, above, left, *window.dilation], np.int64)
