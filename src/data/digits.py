"""Handwritten digits that come with scikit-learn: 1797 grey images of 8x8 pixels; no download."""

from typing import Annotated

import numpy as np

from src.data.examples import Examples, Split, canonical_order
from src.data.settings import DataSettings, only

TEST_EXAMPLES = 360


class Digits(DataSettings):
    """The test part of UCI's "Optical Recognition of Handwritten Digits"; a fifth of it is our test split."""

    name: Annotated[str, only("digits")]

    def read(self) -> Examples:
        """Gives the 1437 training and 360 test images; the 17 grey levels are spread over 0 to 255."""
        from sklearn.datasets import load_digits  # its import takes half as long as that of JAX

        digits = load_digits()
        images = np.round(digits.images[..., None] * (255 / 16)).astype(np.uint8)
        every = canonical_order(Split(images, digits.target))
        names = tuple(str(name) for name in digits.target_names)
        return Examples(every[:-TEST_EXAMPLES], every[-TEST_EXAMPLES:], names)
