"""Parameters and multiplications of layers, and what the cheaper forms of a convolution save.

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
        filter: its sides, such as (3, 3), or (7,) for a sequence.
        inputs: channels that come in.
        outputs: channels that go out.
        groups: into which channels are divided; as many as inputs make it depthwise.
        bias: whether each filter has one.
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
        """Every filter sees the channels of its own group."""
        return prod(self.filter) * (self.inputs // self.groups) * self.outputs

    @property
    def parameters(self) -> int:
        """Weights, and one bias for each filter."""
        return self.weights + self.outputs * self.bias

    def multiplications(self, output_shape: tuple[int, ...] = ()) -> int:
        """Every weight is used once at each place of the output; products with padding count."""
        return self.weights * prod(output_shape)


def dense(inputs: int, outputs: int) -> Convolution:
    """A dense layer: a convolution that has channels only, and one place."""
    return Convolution((), inputs, outputs)


def depthwise_separable(filter: tuple[int, ...], inputs: int, outputs: int) -> list[Convolution]:
    """One filter for each channel, then a mixture of the channels (Sifre 2014; chapter Fig. 24)."""
    depthwise = Convolution(filter, inputs, inputs, groups=inputs, bias=False)
    return [depthwise, Convolution((1,) * len(filter), inputs, outputs)]


def bottleneck(channels: int, narrow: int, *, filter: tuple[int, int] = (3, 3), groups: int = 1) -> list[Convolution]:
    """A convolution between two of 1x1 that narrow and widen again; in groups it is ResNeXt's (Figs 22, 23, 39)."""
    return [
        Convolution((1, 1), channels, narrow),
        Convolution(filter, narrow, narrow, groups=groups),
        Convolution((1, 1), narrow, channels),
    ]


def factorised(side: int, channels: int) -> list[Convolution]:
    """A row and a column in place of a square: 1xn, then nx1 (Szegedy et al. 2015, arXiv:1512.00567, section 3.2)."""
    return [Convolution((1, side), channels, channels), Convolution((side, 1), channels, channels)]


def weights(layers: Iterable[Convolution]) -> int:
    """Of all layers together, without biases."""
    return sum(layer.weights for layer in layers)


def parameters(layers: Iterable[Convolution]) -> int:
    """Of all layers together."""
    return sum(layer.parameters for layer in layers)


def ratio(layers: Iterable[Convolution], instead_of: Iterable[Convolution]) -> Fraction:
    """Weights of the layers for each weight of those that they replace; on maps of one size, multiplications too."""
    return Fraction(weights(layers), weights(instead_of))


def nearest_width(count: Callable[[int], int], wanted: int) -> int:
    """The width at which a count comes nearest to a wanted one.

    Args:
        count: weights, say, by the width; it grows with every channel, by at least one.
        wanted: the count that it should have.
    """
    above = bisect_left(range(1, wanted + 1), wanted, key=count) + 1
    return min((max(1, above - 1), above), key=lambda width: abs(count(width) - wanted))
