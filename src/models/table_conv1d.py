"""A one-dimensional ConvNet for rows of a table; chapter, "1-D ConvNets" and Fig. 13."""

from flax import nnx
from jaxtyping import Array, Float

from ..config.errors import UserError
from ..layers.blocks import he_normal
from ..layers.pooling import GlobalMaxPool, MaxPool
from .base import ImageShape, ModelSettings, Published
from .sizes import Channels

WINDOW = 5
POOL = 2
SMALLEST = WINDOW + POOL * WINDOW - 1


class TableConv1dSettings(ModelSettings):
    """Settings of the network."""

    filters: Channels

    @property
    def published(self) -> Published:
        """There is no paper; the table that the experiment is about."""
        return Published((28, 1, 1), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "TableConv1d":
        """Builds the network; the number of columns, `input_shape[0]`, changes no layer."""
        if len(input_shape) == 1 or input_shape[1:-1] not in ((), (1,)):
            raise UserError(f"table_conv1d takes rows of a table, not inputs of {input_shape}; see data=mnist_profiles")
        columns, channels = input_shape[0], input_shape[-1]
        if columns < SMALLEST:
            raise UserError(f"a table of {columns} columns is too narrow for table_conv1d; at least {SMALLEST}")
        return TableConv1d(channels, self.filters, outputs=outputs, rngs=rngs)


class TableConv1d(nnx.Module):
    """Two convolutions over 5 columns with max-pooling by 2 between them, global max-pooling, a linear layer.

    Input: rows `[batch, columns, channels]` or `[batch, columns, 1, channels]` of at least 14 columns, float. Output:
    logits `[batch, outputs]`.
    """

    def __init__(self, channels: int, filters: int, *, outputs: int, rngs: nnx.Rngs) -> None:
        self.conv1 = _conv(channels, filters, rngs)
        self.pool1 = MaxPool(POOL)
        self.conv2 = _conv(filters, filters, rngs)
        self.pool2 = GlobalMaxPool()
        self.head = nnx.Linear(filters, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, rows: Float[Array, "b columns *one c"]) -> Float[Array, "b outputs"]:
        x = rows.squeeze(axis=2) if rows.ndim == 4 else rows
        x = self.pool1(nnx.relu(self.conv1(x)))
        x = self.pool2(nnx.relu(self.conv2(x)))
        return self.head(x)


def _conv(inputs: int, filters: int, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(inputs, filters, (WINDOW,), padding="VALID", kernel_init=he_normal, rngs=rngs)
