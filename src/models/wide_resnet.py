"""Wide residual networks for small images: pre-activation networks of few layers with many filters.

Zagoruyko, Komodakis 2016: Wide Residual Networks (arXiv:1605.07146), Table 1; after chapter Fig. 34.
"""

from flax import nnx
from pydantic import field_validator

from ..layers.shortcuts import Shortcut
from .base import ImageShape, ModelSettings, Published, check_depth, check_size
from .resnet_cifar import SMALLEST
from .resnet_cifar_preact import PreActivationResNet
from .sizes import Count, Depth


class WideResNetSettings(ModelSettings):
    """Settings of a WRN-`depth`-`width`: 6n + 4 layers, including the three 1x1 convolutions of option B."""

    depth: Depth
    shortcut: Shortcut
    width: Count

    @field_validator("depth")
    @classmethod
    def _whole_blocks(cls, depth: int) -> int:
        return check_depth("a wide ResNet", depth, each=6, others=4)

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> PreActivationResNet:
        """Builds the network for images of the given shape."""
        check_size("a wide ResNet", input_shape, SMALLEST)
        return PreActivationResNet(
            (self.depth - 4) // 6, self.shortcut, self.width, channels=input_shape[-1], outputs=outputs, rngs=rngs
        )
