"""A data set ready for training: three splits and a specification."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import jax
import numpy as np

from ..config.errors import UserError
from .examples import LABEL, DataSpec, Examples, Split, check_split, checksum
from .resize import shrink
from .settings import DataSettings

NAMED = 10
"""Classes at most, in one line."""

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
TITLES = "training", "validation", "test"
"""The splits in words."""


@dataclass(frozen=True)
class Dataset:
    """The splits of a run, in host memory, and what is known of them.

    Attributes:
        shrunk: the whole factor by which images were shrunk.
        notes: what a person should know of the examples, each a line.
        source: where they came from, a key of `SOURCES`, if there was a choice.
        vocabulary: the words of texts in the order of their numbers, if they are known.
    """

    spec: DataSpec
    train: Split
    validation: Split
    test: Split
    shrunk: int
    notes: tuple[str, ...]
    source: str | None
    vocabulary: tuple[str, ...] | None

    def split(self, name: SplitName) -> Split:
        """The split of that name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


@lru_cache(maxsize=1)
def load_dataset(settings: DataSettings, *, examples: int | None = None, image_size: int | None = None) -> Dataset:
    """Reads a data set and divides it. A command checks it before using it, so the latest one is kept.

    Args:
        settings: which one, and how many training examples are set aside for validation.
        examples: at most so many examples of each split.
        image_size: images are shrunk by a whole factor to at most so many pixels a side; texts stay as they are.

    Raises:
        UserError: it cannot be read, validation would leave nothing to train on, a crop nothing of an image, or its
            splits have other shapes.
    """
    source = _read(settings.source)
    whole = _divided(source, settings)
    _check_crop(settings, source.train)
    _check_colours(settings, source.train)
    notes = (*source.notes, *_lacking(whole, source.class_names))
    train, validation, test = (_reduced(split, examples, image_size) for split in whole)
    shape = jax.tree.map(lambda array: array.shape[1:], train.inputs)
    targets = {
        name: jax.ShapeDtypeStruct(array.shape[1:], jax.dtypes.canonicalize_dtype(array.dtype))
        for name, array in train.targets.items()
    }
    spec = DataSpec(settings.name, shape, source.class_names, len(train), len(validation), len(test), targets)
    for title, split in zip(TITLES, (train, validation, test), strict=True):
        check_split(split, spec, targets, title)
    shrunk = source.train.inputs.shape[1] // shape[0] if spec.pictured else 1
    return Dataset(spec, train, validation, test, shrunk, notes, source.source, source.vocabulary)


def _check_crop(settings: DataSettings, train: Split) -> None:
    """Refuses a crop that may leave nothing of an image.

    Raises:
        UserError: naming the largest one.
    """
    for images in jax.tree.leaves(train.inputs):
        sides = images.shape[1:3]
        if settings.augment and settings.augment.crop >= min(sides):
            size = "x".join(map(str, sides))
            raise UserError(
                f"data.augment.crop={settings.augment.crop} moves whole images of {size} pixels out of sight; "
                f"at most {min(sides) - 1} leaves a part of each"
            )


def _check_colours(settings: DataSettings, train: Split) -> None:
    """Refuses to change colours where there are none.

    Raises:
        UserError: saying what there is.
    """
    for images in jax.tree.leaves(train.inputs):
        if settings.augment and settings.augment.recolours and images.shape[3:] != (3,):
            raise UserError(
                f"data.augment.hue, saturation and exposure change colours; data.name={settings.name} has inputs of "
                f"{images.shape[1:]}"
            )


def examples_sha256(settings: DataSettings) -> str | None:
    """The checksum of all examples; none where the settings hold it themselves, which spares large sets the time."""
    return None if settings.pinned else _checksum(settings.source)


@lru_cache(maxsize=1)
def _checksum(source: DataSettings) -> str:
    return checksum(_read(source))


@lru_cache(maxsize=1)
def _read(source: DataSettings) -> Examples:
    """All examples; the latest are kept, for their checksum and for runs that divide or change them in another way."""
    return source.read()


def _divided(source: Examples, settings: DataSettings) -> tuple[Split, Split, Split]:
    """The splits for training, validation and test; a split for validation that the source has takes precedence.

    Raises:
        UserError: validation would leave nothing to train on, or is there twice.
    """
    if source.validation is not None:
        if settings.validation:
            raise UserError(
                f"data.validation={settings.validation}: {settings.name} has a validation split of its own, of "
                f"{len(source.validation)} examples; data.validation=0 uses it"
            )
        return source.train, source.validation, source.test
    kept = len(source.train) - settings.validation
    if not len(source.train):
        raise UserError(f"data.name={settings.name} has no training examples")
    if kept <= 0:
        raise UserError(
            f"data.validation={settings.validation}: {settings.name} has {len(source.train)} training examples"
        )
    return source.train[:kept], source.train[kept:], source.test


def _lacking(splits: tuple[Split, Split, Split], class_names: tuple[str, ...]) -> Iterator[str]:
    """Names the classes of which a split has no examples, as happens to small ones."""
    for title, split in zip(TITLES, splits, strict=True):
        absent = np.setdiff1d(np.arange(len(class_names)), split.targets.get(LABEL, np.arange(len(class_names))))
        if len(split) and len(absent):
            names = ", ".join(class_names[label] for label in absent[:NAMED])
            more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
            yield f"the {title} split has no examples of {names}{more}"


def _reduced(split: Split, examples: int | None, image_size: int | None) -> Split:
    part = split[:examples] if examples else split
    images = [array for array in jax.tree.leaves(part.inputs) if array.ndim == 4]
    if not image_size or not any(max(array.shape[1:3]) > image_size for array in images):
        return part
    moved = sorted(name for name, array in split.targets.items() if array.ndim > 1)
    if moved:
        largest = max(side for array in images for side in array.shape[1:3])
        raise UserError(
            f"image_size={image_size} shrinks images alone, and their {moved[0]} would no longer fit them; "
            f"image_size={largest} leaves them as they are"
        )
    return Split(
        jax.tree.map(lambda array: shrink(array, image_size) if array.ndim == 4 else array, part.inputs), part.targets
    )
