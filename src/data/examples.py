"""Examples as arrays, and what is known of a data set."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8


@dataclass(frozen=True)
class Split:
    """Labelled images in host memory.

    Attributes:
        images: pixels from 0 to 255.
        labels: the class of each image.
    """

    images: UInt8[np.ndarray, "n h w c"]
    labels: Integer[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice) -> "Split":
        return Split(self.images[which], self.labels[which])


@dataclass(frozen=True)
class Examples:
    """A data set as its source gives it: the two splits that nearly all of them have, and the names of the classes."""

    train: Split
    test: Split
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class DataSpec:
    """What a network, a task and a reader need to know of a data set."""

    name: str
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    train: int
    validation: int
    test: int

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)


def canonical_order(split: Split) -> Split:
    """Orders examples by the SHA-256 of their pixels, then by label.

    Every source of a data set then gives the same arrays, whose checksum can be kept; and as the order has nothing to
    do with what the images show, any part of it is as good as a random sample.
    """
    digests = [hashlib.sha256(image).digest() for image in np.ascontiguousarray(split.images)]
    order = sorted(range(len(digests)), key=lambda i: (digests[i], int(split.labels[i])))
    return Split(np.ascontiguousarray(split.images[order]), split.labels[order].astype(np.int32))


def checksum(examples: Examples) -> str:
    """SHA-256 over the arrays of both splits."""
    digest = hashlib.sha256()
    for split in (examples.train, examples.test):
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(split.labels.astype("<i4").tobytes())
    return digest.hexdigest()
