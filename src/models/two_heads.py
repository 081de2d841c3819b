"""A network of the zoo with two heads, for the class and the box of what an image shows; chapter Fig. 58."""

from flax import nnx
from jaxtyping import Array, Float

from .base import ImageShape
from .transfer import FEATURES, Transfer, TransferSettings, feature_width, without_head


class TwoHeadsSettings(TransferSettings):
    """Settings of the network: those of a network with one new head, which both heads here share up to the last layer.

    The chapter has AlexNet, with 4096 values before the heads.
    """

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "TwoHeads":
        """Builds the network.

        Raises:
            UserError: the body has no head, or does not take such inputs.
        """
        width = feature_width(self, input_shape)
        body = without_head(self.body.build(input_shape, 1, rngs=rngs), FEATURES[self.features])
        return TwoHeads(body, width, self, outputs=outputs, rngs=rngs)


class TwoHeads(Transfer):
    """A body that gives features, a dense layer with ReLU, dropout, and two linear layers.

    The head of boxes begins at zero: random boxes have errors that would drown what the classes have to learn.

    Input: what the body takes. Output: `class`, logits `[batch, outputs]`, and `box`, four numbers `[batch, 4]`.
    """

    def __init__(
        self, body: nnx.Module, width: int, settings: TransferSettings, *, outputs: int, rngs: nnx.Rngs
    ) -> None:
        super().__init__(body, width, settings, outputs=outputs, rngs=rngs)
        self.box = nnx.Linear(settings.hidden or width, 4, kernel_init=nnx.initializers.zeros, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> dict[str, Float[Array, "b _"]]:
        return self.classify(self.body(images))

    def classify(self, features: Float[Array, "b n"]) -> dict[str, Float[Array, "b _"]]:
        """What both heads make of features."""
        x = self.dropout(features if self.hidden is None else nnx.relu(self.hidden(features)))
        return {"class": self.head(x), "box": self.box(x)}
