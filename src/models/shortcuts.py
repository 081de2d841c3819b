"""Shortcuts of residual networks for small images (He et al. 2015, arXiv:1512.03385, section 3.3)."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from src.models.blocks import Identity

Shortcut = Literal["A", "B", "none"]
"""Where shapes change: A subsamples and pads with zeros, B is a 1x1 convolution; none leaves every shortcut out."""


def make_shortcut(
    option: Shortcut, inputs: int, outputs: int, stride: int, *, project: Callable[[], nnx.Module]
) -> nnx.Module | None:
    """The identity where shapes agree, and an option where they do not.

    Args:
        option: which one.
        inputs: channels that come in.
        outputs: channels that go out.
        stride: of the block.
        project: makes option B's convolution, whose details differ between families.
    """
    if option == "none":
        return None
    if inputs == outputs and stride == 1:
        return Identity()
    return PadShortcut(stride, outputs - inputs) if option == "A" else project()


class PadShortcut(nnx.Module):
    """Option A: every `stride`-th pixel, with zeros for the channels that are new. No parameters."""

    def __init__(self, stride: int, new_channels: int) -> None:
        self.stride = stride
        self.new_channels = new_channels

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        kept = x[:, :: self.stride, :: self.stride]
        zero = jnp.zeros((), x.dtype)
        return jax.lax.pad(kept, zero, [(0, 0, 0)] * 3 + [(0, self.new_channels, 0)])
