"""A small encoder and decoder with bridges between them, for outputs at every pixel.

Ronneberger, Fischer, Brox: U-Net (arXiv:1505.04597), with one convolution at each size on the way up and down, and
batch normalization.
"""

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError
from ..layers.blocks import ConvNormReLU, he_normal
from ..layers.pooling import MaxPool
from .base import ImageShape, ModelSettings, check_size
from .sizes import Count


class EncoderDecoderSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        filters: of the first convolution; twice as many at each smaller size.
        halvings: how often the size is halved, and doubled again.
    """

    filters: Count
    halvings: Count

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "EncoderDecoder":
        """Builds the network for images of the given shape."""
        factor = 2**self.halvings
        check_size("an encoder and decoder", input_shape, factor)
        height, width, channels = input_shape
        if height % factor or width % factor:
            raise UserError(f"model.halvings={self.halvings} takes sides that {factor} divides, not {height}x{width}")
        return EncoderDecoder(channels, outputs, filters=self.filters, halvings=self.halvings, rngs=rngs)


class EncoderDecoder(nnx.Module):
    """Convolutions at smaller and smaller sizes, then back; on the way back each sees what was there before halving.

    Input: images `[batch, height, width, channels]`, float; sides are multiples of 2 to the number of halvings.
    Output: `[batch, height, width, outputs]`.
    """

    def __init__(self, channels: int, outputs: int, *, filters: int, halvings: int, rngs: nnx.Rngs) -> None:
        widths = [filters * 2**level for level in range(halvings + 1)]
        inputs = [channels, *widths[:-1]]
        self.down = nnx.List(
            ConvNormReLU(own, width, kernel=3, rngs=rngs) for own, width in zip(inputs, widths, strict=True)
        )
        self.pool = MaxPool(2)
        self.up = nnx.List(
            ConvNormReLU(wide + narrow, narrow, kernel=3, rngs=rngs)
            for narrow, wide in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.head = nnx.Conv(filters, outputs, (1, 1), kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w outputs"]:
        x, bridges = self.down[0](images), []
        for layer in list(self.down)[1:]:
            bridges.append(x)
            x = layer(self.pool(x))
        for layer in self.up:
            x = layer(jnp.concatenate([doubled(x), bridges.pop()], axis=-1))
        return self.head(x)


def doubled(x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w c"]:
    """Twice the height and width, by repeating every value."""
    return x.repeat(2, axis=1).repeat(2, axis=2)
