"""Linear and dense networks on the pixels as a vector; chapter Fig. 1."""

from itertools import pairwise
from math import prod
from typing import Annotated

from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field, field_validator

from ..layers.blocks import Flatten, he_normal
from .base import ImageShape, ModelSettings, Published
from .sizes import DEEPEST, WIDEST


class DenseSettings(ModelSettings):
    """Settings of a network with hidden layers of the given widths; an empty list is the linear network."""

    hidden: Annotated[list[Annotated[int, Field(le=WIDEST)]], Field(max_length=DEEPEST)]

    @field_validator("hidden")
    @classmethod
    def _positive(cls, hidden: list[int]) -> list[int]:
        if any(width < 1 for width in hidden):
            raise ValueError("a hidden layer has at least 1 node; leave a layer out of the list to do without it")
        return hidden

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "Dense":
        """Builds the network for inputs of the given shape."""
        return Dense([prod(input_shape), *self.hidden, outputs], rngs=rngs)


class Dense(nnx.Module):
    """The pixels as one vector, then linear layers with ReLU between them.

    Input: `[batch, ...]`, of the one size that it was built for, float. Output: logits `[batch, outputs]`. The chapter
    has no paper for it (its authors' notebook trains 3072-20-15-10 on CIFAR-10).
    """

    def __init__(self, widths: list[int], *, rngs: nnx.Rngs) -> None:
        """Makes the layers; `widths` goes from the inputs to the outputs."""
        self.flatten = Flatten()
        self.layers = nnx.List(
            [nnx.Linear(inputs, outputs, kernel_init=he_normal, rngs=rngs) for inputs, outputs in pairwise(widths)]
        )

    def __call__(self, images: Float[Array, "b ..."]) -> Float[Array, "b outputs"]:
        *hidden, head = self.layers
        x = self.flatten(images)
        for layer in hidden:
            x = nnx.relu(layer(x))
        return head(x)
