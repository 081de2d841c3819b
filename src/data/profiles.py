"""Images as a table (chapter, "1-D ConvNets"): a row for each image, with the ink in each of its columns of pixels.

In the analysis of documents such a row is the projection profile of an image; the limits of a run (`+profile=quick`)
have nothing to do with it.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from .examples import LABEL, Examples, Split, labelled
from .tfds import Tfds


class Profiles(Tfds):
    """An image set of which nothing is kept but the mean of every column of pixels.

    Neighbouring columns of the table have to do with each other, until they are shuffled.

    Attributes:
        shuffle: number of a random order of the columns, the same for every row; null leaves them as they are.
    """

    shuffle: Annotated[int, Field(ge=0)] | None

    def read(self) -> Examples:
        """Reads the images; the rows of the table have the shape `[columns, 1, channels]`."""
        images = super().read()
        return replace(images, train=self._profiles(images.train), test=self._profiles(images.test))

    def _profiles(self, split: Split) -> Split:
        table = np.round(split.inputs.mean(axis=1, dtype=np.float32)).astype(np.uint8)
        order = np.arange(table.shape[1])
        if self.shuffle is not None:
            order = np.random.default_rng(self.shuffle).permutation(order)
        return labelled(table[:, order, None], split.targets[LABEL])
