"""Pieces that families of networks share."""

from flax import nnx
from jaxtyping import Array, Float

he_normal = nnx.initializers.variance_scaling(2.0, "fan_in", "normal")
"""He et al. 2015 (arXiv:1502.01852), equation 10: a Gaussian of variance 2 / (inputs of the filter), not truncated."""


class ConvNorm(nnx.Module):
    """A convolution without bias, then batch normalization (Ioffe and Szegedy 2015)."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1, rngs: nnx.Rngs) -> None:
        # Padding is given in pixels: "SAME" would pad stride-2 convolutions on the right only, unlike the papers.
        self.conv = nnx.Conv(
            inputs,
            outputs,
            (kernel, kernel),
            strides=(stride, stride),
            padding=kernel // 2,
            use_bias=False,
            kernel_init=he_normal,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(outputs, momentum=0.9, epsilon=1e-5, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return self.norm(self.conv(x))
