"""The convolutions of Inception, as the chapter and Szegedy et al. 2014 (arXiv:1409.4842) count them."""

from experiments.sizing.example import square
from src.arithmetic.costs import Convolution

REDUCED = (256, 128, 64, 192, 64, 96, 64)
"""The module of Fig. 32 with 1x1 filters: what comes in, then the maps of its six convolutions."""


def inception(
    inputs: int, one: int, narrow3: int, three: int, narrow5: int, five: int, pool: int, *, side: int = 5
) -> list[Convolution]:
    """The six convolutions of a module of Szegedy et al. 2014; torchvision's largest filters have side 3."""
    before = square(1, inputs, one), square(1, inputs, narrow3), square(1, inputs, narrow5), square(1, inputs, pool)
    return [*before, square(3, narrow3, three), square(side, narrow5, five)]


def googlenet(*, side: int = 5) -> list[Convolution]:
    """All convolutions of Szegedy et al. 2014, Table 1, without the auxiliary classifiers."""
    modules = (
        (192, 64, 96, 128, 16, 32, 32),
        (256, 128, 128, 192, 32, 96, 64),
        (480, 192, 96, 208, 16, 48, 64),
        (512, 160, 112, 224, 24, 64, 64),
        (512, 128, 128, 256, 24, 64, 64),
        (512, 112, 144, 288, 32, 64, 64),
        (528, 256, 160, 320, 32, 128, 128),
        (832, 256, 160, 320, 32, 128, 128),
        (832, 384, 192, 384, 48, 128, 128),
    )
    stem = [square(7, 3, 64), square(1, 64, 64), square(3, 64, 192)]
    return stem + [layer for module in modules for layer in inception(*module, side=side)]
