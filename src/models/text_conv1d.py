"""A one-dimensional ConvNet for the sentiment of IMDB film reviews; chapter Fig. 14."""

from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from ..config.errors import UserError
from ..layers.pooling import GlobalMaxPool, MaxPool
from .base import ImageShape, ModelSettings, Published
from .sizes import Words

EMBEDDING = 128
FILTERS = 32
WINDOW = 7
POOL = 5
SMALLEST = POOL * WINDOW + WINDOW - 1
EMBEDDED = 0.05
"""Keras draws initial embeddings uniformly from minus this to this."""

glorot_uniform = nnx.initializers.glorot_uniform()


class TextConv1dSettings(ModelSettings):
    """Settings of the network; tokens are 0 to `vocabulary` - 1."""

    vocabulary: Words

    @property
    def published(self) -> Published:
        """IMDB reviews cut or padded to 500 words; one logit, as the chapter trains with binary cross-entropy."""
        return Published((500,), 1)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "TextConv1d":
        """Builds the network; the length of a text, `input_shape[0]`, changes no layer."""
        if len(input_shape) != 1:
            raise UserError(f"text_conv1d takes texts, which have a length alone; here are {input_shape}")
        (length,) = input_shape
        if length < SMALLEST:
            raise UserError(f"texts of {length} tokens are too short for text_conv1d; at least {SMALLEST}")
        return TextConv1d(self.vocabulary, outputs=outputs, rngs=rngs)


class TextConv1d(nnx.Module):
    """An embedding, two convolutions of 7 words with max-pooling by 5 between them, global max-pooling, a linear layer.

    Input: tokens `[batch, length]` of at least 41, int32. Output: logits `[batch, outputs]`. There is no paper. The
    chapter's code has no sigmoid under its binary cross-entropy; here, as everywhere, the output is a logit.

    The initialization is Keras's (Glorot and Bengio 2010 for kernels). It matters: RMSprop changes every weight by
    about the learning rate, whatever its gradient, so larger initial weights change relatively more slowly, and Flax's
    initial embeddings are three times as large.
    """

    def __init__(self, vocabulary: int, *, outputs: int, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Embed(vocabulary, EMBEDDING, embedding_init=uniform, rngs=rngs)
        self.conv1 = _conv(EMBEDDING, rngs)
        self.pool1 = MaxPool(POOL)
        self.conv2 = _conv(FILTERS, rngs)
        self.pool2 = GlobalMaxPool()
        self.head = nnx.Linear(FILTERS, outputs, kernel_init=glorot_uniform, rngs=rngs)

    def __call__(self, tokens: Int[Array, "b length"]) -> Float[Array, "b outputs"]:
        x = self.embedding(tokens)
        x = self.pool1(nnx.relu(self.conv1(x)))
        x = self.pool2(nnx.relu(self.conv2(x)))
        return self.head(x)


def _conv(inputs: int, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(inputs, FILTERS, (WINDOW,), padding="VALID", kernel_init=glorot_uniform, rngs=rngs)


def uniform(key: Key[Array, ""], shape: tuple[int, ...], dtype: Any) -> Array:
    """Initial embeddings of Keras."""
    return jax.random.uniform(key, shape, dtype, -EMBEDDED, EMBEDDED)
