"""LeNet-5 for handwritten digits.

LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition (1998, before arXiv);
chapter Fig. 27.
"""

from typing import Literal

from flax import nnx
from jaxtyping import Array, Float

from ..layers.blocks import Flatten, he_normal
from ..layers.pooling import AveragePool
from .base import ImageShape, ModelSettings, Published, check_size

MNIST = (28, 28)
SMALLEST = 16

Activation = Literal["tanh", "relu"]


class LeNet5Settings(ModelSettings):
    """Settings of the network; the paper's `activation` is tanh."""

    activation: Activation

    @property
    def published(self) -> Published:
        """MNIST, each digit in the middle of 32x32 pixels."""
        return Published((32, 32, 1), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "LeNet5":
        """Builds the network for images of the given shape."""
        check_size("LeNet5", input_shape, SMALLEST)
        return LeNet5(self.activation, input_shape, outputs=outputs, rngs=rngs)


class LeNet5(nnx.Module):
    """Two 5x5 convolutions with average pooling, dense layers of 120 and 84, a linear layer; tanh between all, or ReLU.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, at least 16x16, float.
    Output: logits `[batch, outputs]`. Images of 28x28 get two pixels of padding in the first layer, as is usual for
    MNIST; the paper's digits are 32x32 already. Of the paper's details, figure and network leave out: trained
    coefficients in the pools, a table of which maps the second convolution sees, the scale of its tanh, and outputs
    that are distances to pictures of the digits.
    """

    def __init__(self, activation: Activation, input_shape: ImageShape, *, outputs: int, rngs: nnx.Rngs) -> None:
        *size, channels = input_shape
        padding = 2 if tuple(size) == MNIST else 0
        height, width = (((side + 2 * padding - 4) // 2 - 4) // 2 for side in size)
        self.conv1 = nnx.Conv(channels, 6, (5, 5), padding=padding, kernel_init=he_normal, rngs=rngs)
        self.pool1 = AveragePool(2)
        self.conv2 = nnx.Conv(6, 16, (5, 5), padding=0, kernel_init=he_normal, rngs=rngs)
        self.pool2 = AveragePool(2)
        self.flatten = Flatten()
        self.dense1 = nnx.Linear(height * width * 16, 120, kernel_init=he_normal, rngs=rngs)
        self.dense2 = nnx.Linear(120, 84, kernel_init=he_normal, rngs=rngs)
        self.head = nnx.Linear(84, outputs, kernel_init=he_normal, rngs=rngs)
        self.activation = {"tanh": nnx.tanh, "relu": nnx.relu}[activation]

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        x = self.pool1(self.activation(self.conv1(images)))
        x = self.pool2(self.activation(self.conv2(x)))
        x = self.activation(self.dense1(self.flatten(x)))
        x = self.activation(self.dense2(x))
        return self.head(x)
