"""Handwritten digits that come with scikit-learn: 1797 grey images of 8x8 pixels; no download."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np

from .examples import Examples, canonical_order, labelled
from .settings import DataSettings, only

TEST_EXAMPLES = 360


class Digits(DataSettings):
    """The test part of UCI's "Optical Recognition of Handwritten Digits"; a fifth of it is our test split."""

    name: Annotated[str, only("digits")]

    def read(self) -> Examples:
        """Gives the 1437 training and 360 test images; the 17 grey levels are spread over 0 to 255."""
        table = np.loadtxt(digits_file(), delimiter=",")
        grey, labels = table[:, :-1].reshape(-1, 8, 8, 1), table[:, -1].astype(np.int64)
        images = np.round(grey * (255 / 16)).astype(np.uint8)
        every = canonical_order(labelled(images, labels))
        return Examples(every[:-TEST_EXAMPLES], every[-TEST_EXAMPLES:], tuple("0123456789"))


def digits_file() -> Path:
    """Where scikit-learn has them: rows of 64 pixels of 0 to 16, and the digit.

    Found without importing it, which would take half as long as importing JAX.
    """
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
