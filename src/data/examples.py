"""Examples as arrays, and what is known of a data set."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Integer, Shaped, UInt8, UInt16

from ..config.errors import UserError

SOURCES = {"tfds": "TFDS", "authors": "its authors", "mirror": "its package mirror"}
"""Where a well-known set can come from, in words."""


class SourceError(Exception):
    """A source cannot be reached or does not hold what it should; the message is a clause that says which and why."""


SplitT = TypeVar("SplitT")

MOST_WORDS, MOST_CLASSES = 2**16 - 1, 2**16 - 1
"""The largest number of a word, and of a class without a name."""

LABEL = "label"
"""The target of classification: the class of each example."""

Targets = Mapping[str, Shaped[np.ndarray, "n ..."]]
"""What is to be learnt of each example, by name."""


@dataclass(frozen=True)
class Split:
    """Examples in host memory.

    Attributes:
        inputs: a tree of arrays that a network takes: images are uint8 pixels `n h w c`, texts uint16 words `n length`.
        targets: by name, such as `label`, the class.
    """

    inputs: Any
    targets: Targets

    def __len__(self) -> int:
        return len(jax.tree.leaves(self.inputs)[0])

    def __getitem__(self, which: slice) -> "Split":
        inputs, targets = jax.tree.map(lambda array: array[which], (self.inputs, dict(self.targets)))
        return Split(inputs, targets)

    def with_targets(self, names: Iterable[str]) -> "Split":
        """The same examples with some of their targets."""
        return Split(self.inputs, {name: self.targets[name] for name in names})

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in jax.tree.leaves((self.inputs, dict(self.targets))))


def labelled(
    inputs: UInt8[np.ndarray, "n h w c"] | UInt16[np.ndarray, "n length"], labels: Integer[np.ndarray, "n"]
) -> Split:
    """Images or texts with the class of each."""
    return Split(inputs, {LABEL: labels})


@dataclass(frozen=True)
class Examples:
    """A data set as its source gives it.

    Attributes:
        validation: a split that the authors of the set made for choices.
        notes: what a person should know of the source, each a line.
        source: which of several that could have served did, a key of `SOURCES`; none where there is but one.
        vocabulary: the words of texts in the order of their numbers; none where the words are not known.
    """

    train: Split
    test: Split
    class_names: tuple[str, ...]
    validation: Split | None = None
    notes: tuple[str, ...] = ()
    source: str | None = None
    vocabulary: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DataSpec:
    """What a network, a task and a reader need to know of a data set.

    Attributes:
        shape: of one input: height, width and channels of an image; the length of a text. A tree of shapes, if the
            inputs are a tree.
        targets: shape and type of each target of one example, by name.
    """

    name: str
    shape: Any
    class_names: tuple[str, ...]
    train: int
    validation: int
    test: int
    targets: Mapping[str, jax.ShapeDtypeStruct]

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def pictured(self) -> bool:
        """Whether inputs are images."""
        return is_shape(self.shape) and len(self.shape) == 3


def is_shape(tree: Any) -> bool:
    """Whether a tree of shapes is a single one."""
    return isinstance(tree, tuple) and all(isinstance(size, int) for size in tree)


def stored_inputs(inputs: Shaped[np.ndarray, "..."], name: str) -> Shaped[np.ndarray, "n ..."]:
    """Pixels or words, in the types in which they are kept.

    Raises:
        UserError: they are neither, or there are none; `name` is what they are called.
    """
    if inputs.size and inputs.ndim == 4 and inputs.dtype == np.uint8:
        return inputs
    if inputs.size and inputs.ndim == 2 and are_words(inputs):
        return inputs.astype(np.uint16)
    raise UserError(
        f"{name} is {inputs.dtype} {inputs.shape}; uint8 pixels (n, h, w, c) or numbers of words (n, length) are needed"
    )


def are_words(array: Shaped[np.ndarray, "..."]) -> bool:
    """Whether an array holds numbers of words."""
    if not np.issubdtype(array.dtype, np.integer):
        return False
    return not array.size or bool(0 <= array.min() <= array.max() <= MOST_WORDS)


def numbered_classes(*targets: Shaped[np.ndarray, "..."]) -> tuple[str, ...]:
    """The names of classes that have none but their numbers; no names where targets are something else.

    Raises:
        UserError: there would be too many.
    """
    if not all(np.issubdtype(array.dtype, np.integer) for array in targets):
        return ()
    largest = max((int(array.max()) for array in targets if array.size), default=-1)
    if largest > MOST_CLASSES:
        raise UserError(f"a target has the class {largest}; classes are numbered from 0 on, up to {MOST_CLASSES} here")
    return tuple(map(str, range(largest + 1)))


def check_split(split: Split, spec: DataSpec, names: Iterable[str], title: str) -> None:
    """Refuses examples in other shapes than those of a data set, and such without targets.

    Args:
        split: the examples.
        spec: of the data set.
        names: of the targets that are needed.
        title: what the split is called.

    Raises:
        UserError: saying which.
    """
    shape = jax.tree.map(lambda array: array.shape[1:], split.inputs)
    if shape != spec.shape:
        raise UserError(f"inputs of the {title} split have the shape {shape}, where {spec.shape} is needed")
    for name in names:
        if name not in split.targets:
            raise UserError(f"the {title} split has no target {name}; it has {', '.join(split.targets) or 'none'}")
        found, needed = split.targets[name].shape, (len(split), *spec.targets[name].shape)
        if found != needed:
            raise UserError(f"the target {name} of the {title} split has the shape {found}, where {needed} is needed")


def set_aside(every: Split, share: float) -> tuple[Split, Split]:
    """Makes a test split of the last part of all examples, one at least: in canonical order that is a random sample."""
    kept = len(every) - max(1, round(len(every) * share))
    return every[:kept], every[kept:]


def with_test(splits: Mapping[str, SplitT]) -> dict[str, SplitT]:
    """A split for validation is the test split where there is no other."""
    if "test" in splits or "validation" not in splits:
        return dict(splits)
    return {"test" if name == "validation" else name: split for name, split in splits.items()}


def divided(
    splits: Mapping[str, Split], class_names: Sequence[str], test_share: float, notes: tuple[str, ...]
) -> Examples:
    """A data set in the splits of its source.

    Args:
        splits: by the names `train`, `test` and `validation`, of which the first is there.
        class_names: in the order of their numbers.
        test_share: part of the training split that is set aside where there is none for the test.
        notes: what a person should know of the source.
    """
    train = splits["train"]
    train, test = (train, splits["test"]) if "test" in splits else set_aside(train, test_share)
    return Examples(train, test, tuple(class_names), splits.get("validation"), notes)


def canonical_order(split: Split) -> Split:
    """Orders examples by the SHA-256 of their pixels or words, then by label.

    Every source of a data set then gives the same arrays, whose checksum can be kept. The order does not depend on what
    the images show, so any part of it is as good as a random sample.
    """
    inputs, labels = split.inputs, split.targets.get(LABEL, np.zeros(len(split), np.int32))
    digests = [hashlib.sha256(image).digest() for image in np.ascontiguousarray(inputs)]
    order = sorted(range(len(digests)), key=lambda i: (digests[i], labels[i].tolist()))
    targets = {name: array[order] for name, array in split.targets.items()}
    if LABEL in targets and np.issubdtype(labels.dtype, np.integer):
        targets[LABEL] = targets[LABEL].astype(np.int32)
    return Split(np.ascontiguousarray(inputs[order]), targets)


def checksum(examples: Examples) -> str:
    """SHA-256 over the arrays of all splits."""
    digest = hashlib.sha256()
    for split in filter(None, (examples.train, examples.test, examples.validation)):
        for array in jax.tree.leaves(split.inputs):
            digest.update(np.ascontiguousarray(array).data)
        for array in jax.tree.leaves(dict(split.targets)):
            digest.update(array.astype("<i4" if np.issubdtype(array.dtype, np.integer) else array.dtype).tobytes())
    return digest.hexdigest()
