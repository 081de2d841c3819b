"""DeepDream: a photograph in which a network sees more of what it sees (Mordvintsev, Olah, Tyka 2015; chapter Fig. 55).

The photograph is made small, changed, enlarged and changed again, so that what is seen comes in several sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Key, Num

from ..config.errors import UserError
from ..randomness import at
from .classifier import as_pixels
from .climb import Way, climb
from .goals import Energy
from .images import Image, resized
from .parametrization import OfPixels


@dataclass(frozen=True, kw_only=True)
class Dream:
    """How to dream.

    Attributes:
        octaves: sizes, each `ratio` times the one before; the last is that of the photograph.
        ratio: of two sizes.
        steps: for each size.
        rate: length of a step, of the mean pixel.
        jitter: largest shift before a step, in pixels.
    """

    octaves: int = 4
    ratio: float = 1.4
    steps: int = 10
    rate: float = 1.5 / 255
    jitter: int = 32

    def __call__(
        self,
        goal: Energy,
        photograph: Num[np.ndarray, "h w c"],
        key: Key[Array, ""],
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[Image]:
        """What the photograph becomes.

        Args:
            goal: what layers are to see more of.
            photograph: uint8 or from 0 to 1.
            key: of the shifts.
            report: is told after each size how many are done.

        Returns:
            The dream after each size, at the size of the photograph, from 0 to 1.

        Raises:
            UserError: the network cannot take an image of the smallest size.
        """
        whole = as_pixels(photograph[None])[0]
        sizes = self.sizes(whole.shape[0], whole.shape[1])
        for size in sizes:
            goal.features.check((*size, whole.shape[-1]))
        added = np.zeros_like(whole)
        found: list[Image] = []
        for number, size in enumerate(sizes):
            plain = resized(whole, size)
            way = self.way((*size, whole.shape[-1]))
            start = np.clip(plain + resized(added, size), 0, 1)
            changed = climb(goal, way, start[None], at(key, number)).images[-1, 0]
            added = changed - plain
            found.append(np.clip(whole + resized(added, whole.shape[:2]), 0, 1))
            report(number + 1, len(sizes))
        return found

    def way(self, shape: tuple[int, ...]) -> Way:
        """How images of one size climb."""
        jitter = min(self.jitter, min(shape[:2]) // 4)
        return Way(parametrization=OfPixels(shape=shape), steps=self.steps, rate=self.rate, jitter=jitter)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Heights and widths, the smallest first.

        Raises:
            UserError: the smallest would be nothing.
        """
        scales = [self.ratio**-number for number in reversed(range(self.octaves))]
        if min(height, width) * scales[0] < 1:
            raise UserError(f"octaves={self.octaves}: the smallest size of {width}x{height} pixels would be nothing")
        return [(round(height * scale), round(width * scale)) for scale in scales]
