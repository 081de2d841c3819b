"""Puts a small data set into the cache: `python -m tests.data.fill_cache`."""

import numpy as np

from src.data.cache import cached
from src.data.examples import Examples, labelled


def small():
    split = labelled(np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1), np.arange(3, dtype=np.int32))
    return Examples(split, split, ("a", "b", "c"))


if __name__ == "__main__":
    cached("small", small)
