"""Parameters and multiplications of layers, and of the cheaper forms of a convolution.

Chapter: "Computations during Convolutions", "Small Filters", "Bottlenecking", "Grouped" and "Depthwise Separable
Convolutions".
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod


@dataclass(frozen=True)
class Convolution:
    """A convolution with shared filters, over any number of spatial dimensions.

    Attributes:
        filter: its size in each dimension, such as (3, 3), or (7,) for a sequence.
        inputs: input channels.
        outputs: output channels.
        groups: number of channel groups; equal to `inputs` for a depthwise convolution.
        bias: whether there is one per filter.
    """

    filter: tuple[int, ...]
    inputs: int
    outputs: int
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        common = gcd(self.inputs, self.outputs)
        if self.groups < 1 or common % self.groups:
            fitting = ", ".join(str(groups) for groups in range(1, common + 1) if common % groups == 0)
            raise ValueError(
                f"{self.groups} groups do not divide {self.inputs} inputs and {self.outputs} outputs; "
                f"groups that do: {fitting}"
            )

    @property
    def weights(self) -> int:
        """Number of filter weights; a filter sees the channels of its own group only."""
        return prod(self.filter) * (self.inputs // self.groups) * self.outputs

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.weights + self.outputs * self.bias

    def multiplications(self, output_shape: tuple[int, ...] = ()) -> int:
        """Number of multiplications: each weight once per output position; products with padding count."""
        return self.weights * prod(output_shape)


def dense(inputs: int, outputs: int) -> Convolution:
    """A dense layer, as a convolution without spatial dimensions."""
    return Convolution((), inputs, outputs)


def depthwise_separable(filter: tuple[int, ...], inputs: int, outputs: int) -> list[Convolution]:
    """A depthwise convolution, then a 1x1 convolution (Sifre 2014; chapter Fig. 24)."""
    depthwise = Convolution(filter, inputs, inputs, groups=inputs, bias=False)
    return [depthwise, Convolution((1,) * len(filter), inputs, outputs)]


def bottleneck(channels: int, narrow: int, *, filter: tuple[int, int] = (3, 3), groups: int = 1) -> list[Convolution]:
    """1x1 to `narrow` channels, the filter, 1x1 back to `channels`; with groups as in ResNeXt (Figs 22, 23, 39)."""
    return [
        Convolution((1, 1), channels, narrow),
        Convolution(filter, narrow, narrow, groups=groups),
        Convolution((1, 1), narrow, channels),
    ]


def factorised(side: int, channels: int) -> list[Convolution]:
    """A 1xn and an nx1 convolution in place of nxn (Szegedy et al. 2015, arXiv:1512.00567, section 3.2)."""
    return [Convolution((1, side), channels, channels), Convolution((side, 1), channels, channels)]


def weights(layers: Iterable[Convolution]) -> int:
    """Total number of weights, without biases."""
    return sum(layer.weights for layer in layers)


def parameters(layers: Iterable[Convolution]) -> int:
    """Total number of parameters."""
    return sum(layer.parameters for layer in layers)


def ratio(layers: Iterable[Convolution], instead_of: Iterable[Convolution]) -> Fraction:
    """Weights of layers over those of the layers they replace; on maps of one size also their multiplications."""
    return Fraction(weights(layers), weights(instead_of))


def nearest_width(count: Callable[[int], int], wanted: int) -> int:
    """The width whose count is closest to a wanted one.

    Args:
        count: for example the number of weights as a function of the width; strictly increasing.
        wanted: the count to approach.
    """
    above = bisect_left(range(1, wanted + 1), wanted, key=count) + 1
    return min((max(1, above - 1), above), key=lambda width: abs(count(width) - wanted))
