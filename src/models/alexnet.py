"""AlexNet.

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks (2012, NeurIPS);
chapter Fig. 28. torchvision's: Krizhevsky: One weird trick for parallelizing convolutional neural networks
(2014, arXiv:1404.5997).
"""

from typing import Annotated, Literal

from flax import nnx
from pydantic import Field

from .base import ImageShape, ModelSettings, Published, check_size
from .convs_then_dense import Average, Conv, ConvsThenDense, Norm, Pool, Steps, smallest_side

Variant = Literal["paper", "ungrouped", "unnormalized", "torchvision"]

PAPER: Steps = (
    Conv(96, 11, stride=4),
    Norm(),
    Pool(),
    Conv(256, 5, padding=2, groups=2),
    Norm(),
    Pool(),
    Conv(384, 3, padding=1),
    Conv(384, 3, padding=1, groups=2),
    Conv(256, 3, padding=1, groups=2),
    Pool(),
)
LAYERS: dict[Variant, Steps] = {
    "paper": PAPER,
    "ungrouped": tuple(step._replace(groups=1) if isinstance(step, Conv) else step for step in PAPER),
    "unnormalized": tuple(step for step in PAPER if not isinstance(step, Norm)),
    "torchvision": (
        Conv(64, 11, stride=4, padding=2),
        Pool(),
        Conv(192, 5, padding=2),
        Pool(),
        Conv(384, 3, padding=1),
        Conv(256, 3, padding=1),
        Conv(256, 3, padding=1),
        Pool(),
        Average(6),
    ),
}
SIDES: dict[Variant, int] = {"paper": 227, "ungrouped": 227, "unnormalized": 227, "torchvision": 224}


class AlexNetSettings(ModelSettings):
    """Settings of the network.

    Attributes:
        variant: the paper's, torchvision's, or one of the changed ones; see `AlexNet`.
        small: whether it is for images of about 32x32 pixels.
        dropout: dropout rate of the dense layers (Srivastava et al. 2014).
    """

    variant: Variant
    small: bool
    dropout: Annotated[float, Field(ge=0, lt=1)]

    @property
    def published(self) -> Published:
        """ImageNet; CIFAR-10 for the small version."""
        side = SIDES[self.variant]
        return Published((32, 32, 3), 10) if self.small else Published((side, side, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "AlexNet":
        """Builds the network for images of the given shape."""
        check_size("AlexNet", input_shape, smallest_side(_steps(self.variant, self.small)), small=self.small)
        return AlexNet(self, input_shape, outputs=outputs, rngs=rngs)


class AlexNet(ConvsThenDense):
    """Five convolutions, three of them with max-pooling, then two dense layers of 4096 and a linear one.

    Input: images `[batch, height, width, channels]` of the one size that it was built for, float. Output: logits
    `[batch, outputs]`. The paper says 224x224, but its first maps of 55x55 need 227x227. The initialization is He et
    al.'s, not the paper's.

    `paper` has two groups of channels, one for each of its two GPUs, and local response normalization; `ungrouped` is
    the same without groups, `unnormalized` the same without that normalization. `torchvision` has fewer filters, no
    normalization, average pooling of the features to 6x6 (which they are already for 224x224), and dropout before each
    dense layer instead of after it. The small version has a first convolution of 5x5 without a stride, one dense layer
    of 512 in place of two, and no average pooling.
    """

    def __init__(self, settings: AlexNetSettings, input_shape: ImageShape, *, outputs: int, rngs: nnx.Rngs) -> None:
        super().__init__(
            _steps(settings.variant, settings.small),
            input_shape,
            small=settings.small,
            dropout=settings.dropout,
            dropout_first=settings.variant == "torchvision",
            outputs=outputs,
            rngs=rngs,
        )


def _steps(variant: Variant, small: bool) -> Steps:
    """The layers of a variant before the dense ones."""
    return _small(LAYERS[variant]) if small else LAYERS[variant]


def _small(steps: Steps) -> Steps:
    """The same with a first convolution of 5x5 and stride 1, and without average pooling."""
    kept = (step for step in steps if not isinstance(step, Average))
    return tuple(
        Conv(step.filters, 5, padding=2) if isinstance(step, Conv) and step.kernel == 11 else step for step in kept
    )
