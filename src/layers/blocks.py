"""Layers that several families of networks share."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from .dropout import Dropout

he_normal = nnx.initializers.variance_scaling(2.0, "fan_in", "normal")
"""He et al. 2015 (arXiv:1502.01852), equation 10: a Gaussian of variance 2 / (inputs of the filter), not truncated."""

Padding = int | Literal["SAME", "VALID"] | Sequence[tuple[int, int]]
"""Pixels on every side, pixels before and after each dimension, or Keras's rules, which pad strided layers unevenly."""


class ConvReLU(nnx.Module):
    """A convolution with bias, then ReLU.

    Input `[batch, height, width, inputs]`, output `[batch, height', width', outputs]`. The default `padding` is half
    the filter on each side.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        padding: Padding | None = None,
        groups: int = 1,
        rngs: nnx.Rngs,
    ) -> None:
        self.conv = nnx.Conv(
            inputs,
            outputs,
            (kernel, kernel),
            strides=stride,
            padding=kernel // 2 if padding is None else padding,
            feature_group_count=groups,
            kernel_init=he_normal,
            rngs=rngs,
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return nnx.relu(self.conv(x))


class ConvNorm(nnx.Module):
    """A convolution, then batch normalization (Ioffe and Szegedy 2015), without activation.

    Input `[batch, height, width, inputs]`, output `[batch, height', width', outputs]`.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: side of the filters, or height and width.
        stride: of the filter.
        padding: by default half the filter on each side, as in the papers; "SAME" would pad stride-2 convolutions on
            the right only.
        groups: number of channel groups.
        bias: whether the convolution has one; the normalization cancels it (Keras's ResNets).
        scale: whether the normalization has a scale (Keras's Inception has none).
        momentum: of the running statistics.
        epsilon: added to the variance; Keras's is 1e-3.
        rngs: source of the initial parameters.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: Padding | None = None,
        groups: int = 1,
        bias: bool = False,
        scale: bool = True,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        rngs: nnx.Rngs,
    ) -> None:
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        self.conv = nnx.Conv(
            inputs,
            outputs,
            size,
            strides=(stride, stride),
            padding=tuple((side // 2, side // 2) for side in size) if padding is None else padding,
            feature_group_count=groups,
            use_bias=bias,
            kernel_init=he_normal,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(outputs, momentum=momentum, epsilon=epsilon, use_scale=scale, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.norm(self.conv(x))


class ConvNormReLU(ConvNorm):
    """A convolution, batch normalization, ReLU."""

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return nnx.relu(super().__call__(x))


class ConvNormReLU6(ConvNorm):
    """A convolution, batch normalization, ReLU6 (Howard et al. 2017)."""

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return nnx.relu6(super().__call__(x))


class DenseDropout(nnx.Module):
    """A dense layer with ReLU, and dropout of its output or of its input."""

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.5, dropout_first: bool, rngs: nnx.Rngs) -> None:
        self.dropout_first = dropout_first
        self.linear = nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs)
        self.dropout = Dropout(dropout)

    def __call__(self, x: Float[Array, "b n"]) -> Float[Array, "b m"]:
        if self.dropout_first:
            return nnx.relu(self.linear(self.dropout(x)))
        return self.dropout(nnx.relu(self.linear(x)))


def dense_blocks(
    widths: tuple[int, ...], *, dropout: float = 0.5, dropout_first: bool = False, rngs: nnx.Rngs
) -> nnx.List[DenseDropout]:
    """A sequence of dense layers; `widths` starts with the inputs of the first."""
    block = partial(DenseDropout, dropout=dropout, dropout_first=dropout_first, rngs=rngs)
    return nnx.List([block(*pair) for pair in pairwise(widths)])


class Identity(nnx.Module):
    """Returns its input."""

    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, "b ..."]:
        return x


class Flatten(nnx.Module):
    """All values of an example as one vector, channels last."""

    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, "b n"]:
        return x.reshape(len(x), -1)


class LocalResponseNorm(nnx.Module):
    """Divides a value by those of its neighbouring channels: x / (k + a Σ x²)^b (Krizhevsky et al. 2012, section 3.3).

    The sum goes over `size` channels. The paper's a is per term; `alpha` here is the same.
    """

    def __init__(self, size: int = 5, *, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> None:
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        window = (1,) * (x.ndim - 1) + (self.size,)
        squares = jax.lax.reduce_window(x * x, np.zeros((), x.dtype), jax.lax.add, window, (1,) * x.ndim, "SAME")
        return x / (self.k + self.alpha * squares) ** self.beta


class NormConv(nnx.Module):
    """Batch normalization, ReLU, a convolution: from `[b, h, w, inputs]` to `[b, h, w, outputs]`."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, epsilon: float, rngs: nnx.Rngs) -> None:
        self.norm = nnx.BatchNorm(inputs, momentum=0.9, epsilon=epsilon, rngs=rngs)
        self.conv = nnx.Conv(inputs, outputs, (kernel, kernel), use_bias=False, kernel_init=he_normal, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w d"]:
        return self.conv(nnx.relu(self.norm(x)))
