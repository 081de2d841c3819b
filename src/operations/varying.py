"""Over which axes of `shard_map` values vary from device to device, where JAX keeps account of it (`check_vma`)."""

from typing import Any

import jax
from jaxtyping import Array


def axes(array: Array) -> frozenset[str]:
    """Over which a value varies; none where no account is kept."""
    kind: Any = jax.typeof(array)
    return getattr(kind, "vma", None) or kind.manual_axis_type.varying  # the name changed with JAX 0.10


def together(*arrays: Array) -> tuple[Array, ...]:
    """The arrays, all of them varying where any of them does, so that gradients of shared ones are summed."""
    union = frozenset[str]().union(*map(axes, arrays))
    return tuple(jax.lax.pcast(array, tuple(union - axes(array)), to="varying") for array in arrays)


def total(cotangent: Array, axis: str, like: Array) -> Array:
    """The sum over devices of the cotangent of a value that is the same on all of them.

    Args:
        cotangent: where account is kept, and it does not vary, the sum was taken already.
        axis: of the devices.
        like: a value that varies, if account is kept.
    """
    summed = axis in axes(like) and axis not in axes(cotangent)
    return cotangent if summed else jax.lax.psum(cotangent, axis)
