"""Examples as arrays, and what is known of a data set."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8, UInt16

SOURCES = {"tfds": "TFDS", "authors": "its authors", "mirror": "its package mirror"}
"""Where a well-known set can come from, in words."""


class SourceError(Exception):
    """A source cannot be reached or does not hold what it should; the message is a clause that says which and why."""


@dataclass(frozen=True)
class Split:
    """Labelled images, or texts, in host memory.

    Attributes:
        images: pixels from 0 to 255; of texts, the numbers of their words.
        labels: the class of each.
    """

    images: UInt8[np.ndarray, "n h w c"] | UInt16[np.ndarray, "n length"]
    labels: Integer[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice) -> "Split":
        return Split(self.images[which], self.labels[which])


@dataclass(frozen=True)
class Examples:
    """A data set as its source gives it.

    Attributes:
        validation: a split that the authors of the set made for choices.
        notes: what a person should know of the source, each a line.
        source: which of several that could have served did, a key of `SOURCES`; none where there is but one.
    """

    train: Split
    test: Split
    class_names: tuple[str, ...]
    validation: Split | None = None
    notes: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True)
class DataSpec:
    """What a network, a task and a reader need to know of a data set.

    Attributes:
        shape: height, width and channels of an image; the length of a text.
    """

    name: str
    shape: tuple[int, ...]
    class_names: tuple[str, ...]
    train: int
    validation: int
    test: int

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def pictured(self) -> bool:
        """Whether examples are images."""
        return len(self.shape) == 3


def set_aside(every: Split, share: float) -> tuple[Split, Split]:
    """Makes a test split of the last part of all examples, one at least: in canonical order that is a random sample."""
    kept = len(every) - max(1, round(len(every) * share))
    return every[:kept], every[kept:]


def canonical_order(split: Split) -> Split:
    """Orders examples by the SHA-256 of their pixels or words, then by label.

    Every source of a data set then gives the same arrays, whose checksum can be kept; and as the order has nothing to
    do with what the images show, any part of it is as good as a random sample.
    """
    digests = [hashlib.sha256(image).digest() for image in np.ascontiguousarray(split.images)]
    order = sorted(range(len(digests)), key=lambda i: (digests[i], int(split.labels[i])))
    return Split(np.ascontiguousarray(split.images[order]), split.labels[order].astype(np.int32))


def checksum(examples: Examples) -> str:
    """SHA-256 over the arrays of all splits."""
    digest = hashlib.sha256()
    for split in filter(None, (examples.train, examples.test, examples.validation)):
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(split.labels.astype("<i4").tobytes())
    return digest.hexdigest()
