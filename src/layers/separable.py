"""Depthwise separable convolutions."""

from flax import nnx
from jaxtyping import Array, Float

from .blocks import Padding, he_normal


class SeparableConv(nnx.Module):
    """A depthwise convolution, then a 1x1 convolution, both without bias (chapter Fig. 24).

    Sifre 2014, in the form of Chollet 2016 (arXiv:1610.02357): no activation between the two convolutions.

    Input `[batch, height, width, inputs]`, output `[batch, height', width', outputs]`, float.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        padding: Padding = "SAME",
        rngs: nnx.Rngs,
    ) -> None:
        self.depthwise = nnx.Conv(
            inputs,
            inputs,
            (kernel, kernel),
            strides=(stride, stride),
            padding=padding,
            feature_group_count=inputs,
            use_bias=False,
            kernel_init=he_normal,
            rngs=rngs,
        )
        self.pointwise = nnx.Conv(inputs, outputs, (1, 1), use_bias=False, kernel_init=he_normal, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.pointwise(self.depthwise(x))


class SeparableNorm(nnx.Module):
    """A separable convolution, then batch normalization.

    Input `[batch, height, width, inputs]`, output `[batch, height / stride, width / stride, outputs]`, rounded up.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        momentum: float,
        epsilon: float,
        rngs: nnx.Rngs,
    ) -> None:
        self.conv = SeparableConv(inputs, outputs, kernel=kernel, stride=stride, rngs=rngs)
        self.norm = nnx.BatchNorm(outputs, momentum=momentum, epsilon=epsilon, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.norm(self.conv(x))
