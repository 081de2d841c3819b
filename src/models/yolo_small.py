"""A small network for objects in one pass: convolutions down to a grid, and a vector for each of its cells.

It is to the network of Redmon et al. (arXiv:1506.02640) what a small encoder and decoder is to U-Net: batch
normalization, and no dense layers, so that every cell is seen by the same filters.
"""

from itertools import pairwise

from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError
from ..layers.blocks import ConvNorm, he_normal
from ..layers.pooling import MaxPool
from .base import ImageShape, ModelSettings, check_size
from .sizes import Count, Halvings
from .yolo import SLOPE


class YoloSmallSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        filters: of the first convolution; twice as many at each smaller size.
        halvings: how often the size is halved before the grid.
        at_grid: convolutions at the size of the grid, by which a cell sees its neighbours.
    """

    filters: Count
    halvings: Halvings
    at_grid: Count

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "YoloSmall":
        """Builds the network for images of the given shape."""
        factor = 2**self.halvings
        check_size("the small YOLO", input_shape, factor)
        height, width, channels = input_shape
        if height % factor or width % factor:
            raise UserError(f"model.halvings={self.halvings} takes sides that {factor} divides, not {height}x{width}")
        widths = [self.filters * 2**level for level in range(self.halvings)]
        return YoloSmall([channels, *widths], outputs, at_grid=self.at_grid, rngs=rngs)


class YoloSmall(nnx.Module):
    """3x3 convolutions with batch normalization and leaky ReLU, max-pooling between them, and a linear 1x1 convolution.

    Input: images `[batch, height, width, channels]`, float. Output: `[batch, height / 2^halvings, width / 2^halvings,
    outputs]`, a vector for each cell.
    """

    def __init__(self, widths: list[int], outputs: int, *, at_grid: int, rngs: nnx.Rngs) -> None:
        last = 2 * widths[-1]
        self.down = nnx.List(ConvNorm(own, width, kernel=3, rngs=rngs) for own, width in pairwise(widths))
        self.pool = MaxPool(2)
        self.at_grid = nnx.List(
            ConvNorm(last if number else widths[-1], last, kernel=3, rngs=rngs) for number in range(at_grid)
        )
        self.head = nnx.Conv(last, outputs, (1, 1), kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b s1 s2 outputs"]:
        x = images
        for layer in self.down:
            x = self.pool(nnx.leaky_relu(layer(x), SLOPE))
        for layer in self.at_grid:
            x = nnx.leaky_relu(layer(x), SLOPE)
        return self.head(x)
