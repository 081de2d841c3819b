"""Densely connected networks for small images.

Huang, Liu, van der Maaten, Weinberger 2016: Densely Connected Convolutional Networks (arXiv:1608.06993), section 4;
chapter Fig. 40.
"""

from flax import nnx
from pydantic import model_validator

from .base import ImageShape, ModelSettings, Published, check_depth, check_size
from .densenet import DenseNet, Plan, small_stem
from .sizes import Channels, Depth

SMALLEST = 4
"""Side of the smallest image for three blocks."""


class CifarDenseNetSettings(ModelSettings):
    """Settings of a network for small images of `depth` = 3n + 4 weighted layers, or 6n + 4 with bottlenecks."""

    depth: Depth
    growth: Channels
    bottleneck: bool

    @model_validator(mode="after")
    def _whole_blocks(self) -> "CifarDenseNetSettings":
        name = f"depth={self.depth}: this dense network"
        check_depth(name, self.depth, each=6 if self.bottleneck else 3, others=4)
        return self

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> DenseNet:
        """Builds the network for images of at least 4x4 pixels."""
        check_size("a CIFAR DenseNet", input_shape, SMALLEST)
        plan = Plan(
            blocks=((self.depth - 4) // (6 if self.bottleneck else 3),) * 3,
            growth=self.growth,
            stem=2 * self.growth if self.bottleneck else 16,
            bottleneck=self.bottleneck,
            compression=0.5 if self.bottleneck else 1.0,
            epsilon=1e-5,
        )
        return DenseNet(plan, small_stem(input_shape[-1], plan.stem, rngs=rngs), outputs=outputs, rngs=rngs)
