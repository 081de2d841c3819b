"""Residual networks whose bottlenecks have many narrow paths.

Xie, Girshick, Dollár, Tu, He 2016: Aggregated Residual Transformations for Deep Neural Networks (arXiv:1611.05431),
Table 1 and Fig. 3c; chapter Fig. 39.
"""

from typing import Literal

from flax import nnx

from .base import ImageShape, ModelSettings, Published, check_size
from .resnet import ResNet
from .sizes import Count


class ResNeXtSettings(ModelSettings):
    """Settings of a ResNet of bottlenecks whose 3x3 convolution is split into `cardinality` paths of width `width`.

    The paths are one grouped convolution, as in the paper's Fig. 3c, which computes the same as separate ones.
    Details are torchvision's, which agree with the authors'. Input, output and small version are those of `ResNet`.
    """

    depth: Literal[50, 101, 152]
    cardinality: Count
    width: Count
    small: bool

    @property
    def published(self) -> Published:
        """ImageNet."""
        return Published((224, 224, 3), 1000)

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> ResNet:
        """Builds the network for images of the given shape."""
        check_size(f"ResNeXt-{self.depth}", input_shape, 1)
        return ResNet(
            self.depth,
            "torchvision",
            small=self.small,
            paths=self.cardinality,
            path_width=self.width,
            channels=input_shape[-1],
            outputs=outputs,
            rngs=rngs,
        )
