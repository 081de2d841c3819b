"""YOLO's network: objects in one pass; chapter Figs 61-62.

Redmon, Divvala, Girshick, Farhadi: You Only Look Once (arXiv:1506.02640), figure 3 and section 2.2.
"""

from typing import Annotated

from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field

from ..config.errors import UserError
from ..layers.blocks import he_normal
from ..layers.dropout import Dropout
from ..layers.pooling import MaxPool
from .base import ImageShape, ModelSettings, Published, check_size

SLOPE = 0.1
"""Of the leaky ReLU below zero."""

MAX = "max"
LAYERS: tuple[tuple[int, int, int] | str, ...] = (
    (64, 7, 2), MAX,
    (192, 3, 1), MAX,
    (128, 1, 1), (256, 3, 1), (256, 1, 1), (512, 3, 1), MAX,
    *((256, 1, 1), (512, 3, 1)) * 4, (512, 1, 1), (1024, 3, 1), MAX,
    *((512, 1, 1), (1024, 3, 1)) * 2, (1024, 3, 1), (1024, 3, 2),
    (1024, 3, 1), (1024, 3, 1),
)  # fmt: skip
"""Filters, kernel and stride of each of the 24 convolutions, and 2x2 max-pooling."""

REDUCTION = 64
HIDDEN = 4096


class YoloSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        dropout: rate after the first dense layer.
    """

    dropout: Annotated[float, Field(ge=0, lt=1)]

    @property
    def published(self) -> Published:
        """VOC: two boxes and twenty classes in each cell of 7x7."""
        return Published((448, 448, 3), 30)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "Yolo":
        """Builds the network for images of the given shape."""
        check_size("YOLO", input_shape, REDUCTION)
        height, width, channels = input_shape
        if height % REDUCTION or width % REDUCTION:
            raise UserError(f"YOLO takes images whose sides {REDUCTION} divides, not {height}x{width}")
        grid = height // REDUCTION, width // REDUCTION
        return Yolo(channels, grid, outputs, dropout=self.dropout, rngs=rngs)


class LeakyConv(nnx.Module):
    """A convolution with bias, then leaky ReLU.

    Input `[batch, height, width, inputs]`, output `[batch, height', width', outputs]`; half the filter is padded.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(
            inputs, outputs, (kernel, kernel), strides=stride, padding=kernel // 2, kernel_init=he_normal, rngs=rngs
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        return nnx.leaky_relu(self.conv(x), SLOPE)


class Yolo(nnx.Module):
    """24 convolutions and two dense layers, the last of which is linear.

    Input: images `[batch, height, width, channels]` of the size that it was built for, float. Output: `[batch,
    height / 64, width / 64, outputs]`, a vector for each cell. There is no normalization.
    """

    def __init__(self, channels: int, grid: tuple[int, int], outputs: int, *, dropout: float, rngs: nnx.Rngs) -> None:
        self.layers: nnx.List = nnx.List()
        for layer in LAYERS:
            if isinstance(layer, str):
                self.layers.append(MaxPool(2))
                continue
            filters, kernel, stride = layer
            self.layers.append(LeakyConv(channels, filters, kernel=kernel, stride=stride, rngs=rngs))
            channels = filters
        self.shape = *grid, outputs
        cells = grid[0] * grid[1]
        self.dense = nnx.Linear(cells * channels, HIDDEN, kernel_init=he_normal, rngs=rngs)
        self.dropout = Dropout(dropout)
        self.head = nnx.Linear(HIDDEN, cells * outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b s1 s2 outputs"]:
        x = images
        for layer in self.layers:
            x = layer(x)
        x = nnx.leaky_relu(self.dense(x.reshape(len(x), -1)), SLOPE)
        return self.head(self.dropout(x)).reshape(-1, *self.shape)
