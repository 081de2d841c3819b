"""Plain stacks of one kind of block, to compare small and cheap filters.

Chapter, "Small Filters", "Bottlenecking", "Grouped" and "Depthwise Separable Convolutions", Figs 19-24 and 39. Small
filters: Simonyan and Zisserman 2014 (arXiv:1409.1556), section 2.3. Rows and columns: Szegedy et al. 2015
(arXiv:1512.00567), section 3.2.
"""

from collections.abc import Sequence
from typing import Literal

from flax import nnx
from jaxtyping import Array, Float
from pydantic import field_validator, model_validator

from ..arithmetic.costs import Convolution, bottleneck, dense, depthwise_separable, factorised
from ..config.settings import renamed
from ..layers.blocks import ConvNormReLU, he_normal
from ..layers.pooling import GlobalAveragePool, MaxPool
from .base import ImageShape, ModelSettings, Published, check_size
from .sizes import DEEPEST, Channels, Count, Halvings, Side

Block = Literal["full", "bottleneck", "separable", "factorised"]


class FilterStackSettings(ModelSettings):
    """Settings of a stack.

    Attributes:
        stem: side of the first layer's filters.
        stride: of the first layer.
        width: input and output channels of every block.
        stages: number of stages; max-pooling between them halves the maps.
        blocks: per stage.
        block: the kind of block.
        kernel: side of the filters of every block.
        groups: number of channel groups of these filters, in full blocks and bottlenecks.
    """

    stem: Side
    stride: Side
    width: Channels
    stages: Halvings
    blocks: Count
    block: Block = renamed("kind")
    kernel: Side
    groups: Count

    @field_validator("stem", "kernel")
    @classmethod
    def _odd(cls, side: int) -> int:
        if side % 2 == 0:
            raise ValueError(f"filters need a middle; nearest: {side - 1} and {side + 1}")
        return side

    @model_validator(mode="after")
    def _blocks_can_be_made(self) -> "FilterStackSettings":
        if self.groups > 1 and self.block in ("separable", "factorised"):
            raise ValueError(f"block={self.block} has no groups; nearest: groups=1, or block=bottleneck")
        if self.block == "bottleneck" and self.width % 2:
            raise ValueError(f"a bottleneck halves the width; nearest: {self.width - 1} and {self.width + 1}")
        if self.stages * self.blocks > DEEPEST:
            raise ValueError(f"{self.stages} stages of {self.blocks} blocks are more than {DEEPEST} layers")
        self.convolutions()
        return self

    @property
    def published(self) -> Published:
        """CIFAR-10."""
        return Published((32, 32, 3), 10)

    def convolutions(self) -> list[Convolution]:
        """The convolutions of a block; a bottleneck has half the channels inside (Figs 22 and 23)."""
        square, width = (self.kernel, self.kernel), self.width
        match self.block:
            case "full":
                return [Convolution(square, width, width, groups=self.groups)]
            case "bottleneck":
                return bottleneck(width, width // 2, filter=square, groups=self.groups)
            case "separable":
                return depthwise_separable(square, width, width)
            case "factorised":
                return factorised(self.kernel, width)

    def layers(self, input_shape: ImageShape, outputs: int) -> list[tuple[Convolution, tuple[int, ...]]]:
        """The formula of every layer, with height and width of its output; none for the last."""
        *shape, channels = input_shape
        shape = [-(-side // self.stride) for side in shape]
        found = [(Convolution((self.stem, self.stem), channels, self.width), tuple(shape))]
        for stage in range(self.stages):
            places = tuple(side // 2**stage for side in shape)
            found += [(layer, places) for layer in self.convolutions() * self.blocks]
        return [*found, (dense(self.width, outputs), ())]

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> "FilterStack":
        """Builds the network for images that are large enough for the last stage."""
        smallest = self.stride * (2 ** (self.stages - 1) - 1) + 1
        check_size("this stack", input_shape, smallest)
        stem = Convolution((self.stem, self.stem), input_shape[-1], self.width)
        return FilterStack(
            stem, self.convolutions() * self.blocks, stride=self.stride, stages=self.stages, outputs=outputs, rngs=rngs
        )


class FilterStack(nnx.Module):
    """A first layer, stages of convolutions with max-pooling between them, global average pooling, a linear layer.

    Input: images `[batch, height, width, channels]`, float. Output: logits `[batch, outputs]`. Batch normalization and
    ReLU follow every convolution. There are no shortcuts and every block keeps its channels, so that costs and
    receptive fields are those of the survey's formulas.
    """

    def __init__(
        self,
        stem: Convolution,
        stage: Sequence[Convolution],
        *,
        stride: int,
        stages: int,
        outputs: int,
        rngs: nnx.Rngs,
    ) -> None:
        body: list[nnx.Module] = [_layer(stem, stride, rngs)]
        for number in range(stages):
            body += [MaxPool(2)] if number else []
            body += [_layer(convolution, 1, rngs) for convolution in stage]
        self.body = nnx.List(body)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(stem.outputs, outputs, kernel_init=he_normal, rngs=rngs)

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b outputs"]:
        return self.head(self.pool(self.maps(images)))

    def maps(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        """The output of the last stage."""
        x = images
        for layer in self.body:
            x = layer(x)
        return x


def _layer(convolution: Convolution, stride: int, rngs: nnx.Rngs) -> ConvNormReLU:
    """The layer of a formula; the bias is that of the normalization."""
    height, width = convolution.filter
    return ConvNormReLU(
        convolution.inputs,
        convolution.outputs,
        kernel=(height, width),
        stride=stride,
        groups=convolution.groups,
        rngs=rngs,
    )
