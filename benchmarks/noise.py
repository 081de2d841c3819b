"""Images of random pixels, for timings that do not depend on the pixels and so need no data set."""

from typing import Annotated

import numpy as np
from pydantic import Field

from benchmarks.engines import run_settings_of
from src.data.examples import Examples, Split, labelled
from src.data.settings import DataSettings
from src.training.engine import Engine
from src.training.process import configure_jax

TESTED = 1000
"""Test images at most."""


class Noise(DataSettings):
    """Square images of random pixels.

    Attributes:
        side: in pixels.
        classes: how many.
        examples: how many images for training; of test images there are as many, but at most `TESTED`.
    """

    side: Annotated[int, Field(gt=0)]
    classes: Annotated[int, Field(gt=0)]
    examples: Annotated[int, Field(gt=0)]

    def read(self) -> Examples:
        rng = np.random.default_rng(0)
        names = tuple(str(number) for number in range(self.classes))
        return Examples(self._split(rng, self.examples), self._split(rng, min(self.examples, TESTED)), names)

    def _split(self, rng: np.random.Generator, count: int) -> Split:
        images = rng.integers(256, size=(count, self.side, self.side, 3), dtype=np.uint8)
        return labelled(images, rng.integers(self.classes, size=count, dtype=np.int32))


def noise_engine(*arguments: str, side: int, classes: int, examples: int) -> Engine:
    """The engine of a command line of `python -m src.train` on random images in place of its own.

    Call it once per process, at the start: some JAX options hold for the whole process.
    """
    settings = run_settings_of(*arguments, "parallel.devices=1")
    data = settings.data
    noise = Noise(
        name="noise", batch_size=data.batch_size, validation=0, normalize=data.normalize, augment=data.augment,
        side=side, classes=classes, examples=examples,
    )  # fmt: skip
    settings = settings.model_copy(update={"data": noise})
    configure_jax(settings)
    return Engine(settings)
