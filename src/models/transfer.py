"""A network of the zoo with a new head: transfer learning (chapter Figs 15 to 17)."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float
from pydantic import Field

from ..config.errors import UserError
from ..layers.blocks import Flatten, Identity, he_normal
from ..layers.children import children, replace
from ..layers.dropout import Dropout
from ..layers.pooling import GlobalAveragePool, GlobalMaxPool
from .base import ImageShape, ModelSettings, Published, abstract_network, check_size, faults_in_one_line
from .functional import Network
from .sizes import Channels

HEAD = ("dropout", "dense", "head", "auxiliary")
"""Layers behind the features of a network, by the names that all networks here use."""

COLLECTORS = (GlobalAveragePool, GlobalMaxPool, Flatten)
FEATURES: dict[str, type[nnx.Module]] = dict(zip(("average", "maximum", "all"), COLLECTORS, strict=True))
"""What makes a vector of the last maps."""


Answer = Float[Array, "b outputs"] | dict[str, Float[Array, "b _"]]
"""Logits; a network with several heads (`src/models/two_heads.py`) gives them by name."""


class TransferSettings(ModelSettings):
    """Settings of a network with a new head.

    Attributes:
        body: a network, of which the layers up to the last maps are used.
        features: what the body gives of these maps: the `average` or the `maximum` of each channel, or `all` values.
        hidden: width of a dense layer with ReLU before the linear one; null for none.
        dropout: of the values that the linear layer sees.
    """

    body: ModelSettings
    features: Literal["average", "maximum", "all"]
    hidden: Channels | None
    dropout: Annotated[float, Field(ge=0, lt=1)]

    @property
    def published(self) -> Published:
        """That of the body."""
        return self.body.published

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "Transfer":
        """Builds the network.

        Raises:
            UserError: the body has no head, or does not take such inputs.
        """
        width = feature_width(self, input_shape)
        body = without_head(self.body.build(input_shape, 1, rngs=rngs), FEATURES[self.features])
        return Transfer(body, width, self, outputs=outputs, rngs=rngs)


class Transfer(nnx.Module):
    """A body that gives features, and a head: a dense layer with ReLU, dropout, a linear layer.

    Input: what the body takes. Output: logits `[batch, outputs]`. What the body gives can be computed once and kept,
    and the head trained on it: calling it is `classify(body(images))`.
    """

    def __init__(
        self, body: nnx.Module, width: int, settings: TransferSettings, *, outputs: int, rngs: nnx.Rngs
    ) -> None:
        self.body = body
        hidden, self.dropout = settings.hidden, Dropout(settings.dropout)
        self.hidden = None if hidden is None else nnx.Linear(width, hidden, kernel_init=he_normal, rngs=rngs)
        self.head = nnx.Linear(hidden or width, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Answer:
        return self.classify(self.body(images))

    def classify(self, features: Float[Array, "b n"]) -> Answer:
        """What the head makes of features."""
        x = features if self.hidden is None else nnx.relu(self.hidden(features))
        return self.head(self.dropout(x))


def without_head(network: nnx.Module, collector: type[nnx.Module]) -> nnx.Module:
    """The same network, changed in place so that it gives its features.

    Args:
        network: with a layer that makes a vector of maps, and a head behind it.
        collector: kind of the layer in place of the first.

    Raises:
        UserError: it has no such layers.
    """
    own = children(network)
    if "head" not in dict(own) or not any(isinstance(child, COLLECTORS) for _, child in own):
        raise UserError(
            f"model.body: a {type(network).__name__} has no layers that collect maps and make classes of them"
        )
    for key, child in own:
        if isinstance(child, COLLECTORS):
            replace(network, key, collector())
        elif key in HEAD:
            replace(network, key, type(child)() if isinstance(child, nnx.List | nnx.Dict) else Identity())
    return network


def feature_width(settings: TransferSettings, input_shape: ImageShape) -> int:
    """The number of features of an input; nothing is computed.

    Raises:
        UserError: the body has no head, or does not take such inputs.
    """
    check_size("transfer learning", input_shape, 1)
    body = Network(without_head(abstract_network(settings.body, input_shape, 1), FEATURES[settings.features]))
    given = body.parameters, body.batch_stats, jax.ShapeDtypeStruct((1, *input_shape), jnp.float32)
    with faults_in_one_line(settings.body):
        width: int = jax.eval_shape(body, *given).shape[-1]
    return width
