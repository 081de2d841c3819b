"""Shortcuts of residual networks for small images (He et al. 2015, arXiv:1512.03385, section 3.3)."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from .blocks import Identity

Shortcut = Literal["A", "A_centred", "B", "none"]
"""Where shapes change: A subsamples and pads with zeros, B is a 1x1 convolution; none leaves every shortcut out.

The paper does not say where the zeros of A are. Here they come after the channels; with `A_centred` half of them come
before, as in pytorch_resnet_cifar10. Weights of one fit the shapes of the other, but give wrong outputs.
"""


def make_shortcut(
    option: Shortcut, inputs: int, outputs: int, stride: int, *, project: Callable[[], nnx.Module]
) -> nnx.Module | None:
    """The identity if the shapes agree, else the shortcut of the option.

    Args:
        option: of the network.
        inputs: input channels.
        outputs: output channels.
        stride: of the block.
        project: makes the convolution of option B, whose details differ between families.
    """
    if option == "none":
        return None
    if inputs == outputs and stride == 1:
        return Identity()
    if option == "B":
        return project()
    new = outputs - inputs
    return PadShortcut(stride, new, before=new // 2 if option == "A_centred" else 0)


class PadShortcut(nnx.Module):
    """Option A: every `stride`-th pixel, with zeros for the new channels. No parameters.

    Attributes:
        before: number of new channels before the others.
    """

    def __init__(self, stride: int, new_channels: int, before: int = 0) -> None:
        self.stride = stride
        self.new_channels = new_channels
        self.before = before

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        kept = x[:, :: self.stride, :: self.stride]
        zero = jnp.zeros((), x.dtype)
        return jax.lax.pad(kept, zero, [(0, 0, 0)] * 3 + [(self.before, self.new_channels - self.before, 0)])
