"""Axes of `shard_map` over which values vary between devices, where JAX tracks them (`check_vma`)."""

from typing import Any

import jax
from jaxtyping import Array


def axes(array: Array) -> frozenset[str]:
    """The axes over which a value varies; empty if they are not tracked."""
    kind: Any = jax.typeof(array)
    return getattr(kind, "vma", None) or kind.manual_axis_type.varying  # the name changed with JAX 0.10


def together(*arrays: Array) -> tuple[Array, ...]:
    """The arrays, each varying over the axes of all of them, so that gradients of shared arrays are summed."""
    union = frozenset[str]().union(*map(axes, arrays))
    return tuple(jax.lax.pcast(array, tuple(union - axes(array)), to="varying") for array in arrays)


def total(cotangent: Array, axis: str, like: Array) -> Array:
    """The sum over devices of the cotangent of a value that is equal on all devices.

    Args:
        cotangent: already summed if axes are tracked and it does not vary.
        axis: name of the device axis.
        like: a value that varies over the axis if axes are tracked.
    """
    summed = axis in axes(like) and axis not in axes(cotangent)
    return cotangent if summed else jax.lax.psum(cotangent, axis)
