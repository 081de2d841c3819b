"""A class for every pixel by convolutions alone, at the size of the image throughout; chapter Fig. 60."""

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import ConvNormReLU, he_normal
from .base import ImageShape, ModelSettings, check_size
from .sizes import Channels, Count


class FullResolutionSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        filters: of each convolution; the chapter's D.
        convolutions: of 3x3 pixels, before the one that gives the classes.
    """

    filters: Channels
    convolutions: Count

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "FullResolution":
        """Builds the network for images of the given channels."""
        check_size("a network at full resolution", input_shape, 1)
        return FullResolution(input_shape[-1], outputs, filters=self.filters, count=self.convolutions, rngs=rngs)


class FullResolution(nnx.Module):
    """3x3 convolutions with batch normalization and ReLU, then a 1x1 convolution; nothing is pooled.

    Input: images `[batch, height, width, channels]`, float. Output: `[batch, height, width, outputs]`. A pixel's class
    depends on those that are at most `convolutions` pixels away, so large things need many.
    """

    def __init__(self, channels: int, outputs: int, *, filters: int, count: int, rngs: nnx.Rngs) -> None:
        inputs = [channels, *[filters] * (count - 1)]
        self.convs = nnx.List([ConvNormReLU(own, filters, kernel=3, rngs=rngs) for own in inputs])
        self.head = nnx.Conv(filters, outputs, (1, 1), kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w outputs"]:
        x = images
        for conv in self.convs:
            x = conv(x)
        return self.head(x)
