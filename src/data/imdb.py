"""Film reviews with their verdicts, as rows of numbered words (Maas et al. 2011; chapter Fig. 14)."""

import logging
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from ..config.errors import UserError
from .cache import cached
from .examples import SOURCES, Examples, SourceError, Split, canonical_order, checksum, labelled
from .mirrors import fetched, imdb_reviews
from .settings import DataSettings, only
from .texts import FIRST_WORD, Texts, frequent_words, numbering, tokens
from .tfds import prepared_info, record

log = logging.getLogger(__name__)

CLASSES = ("negative", "positive")


class Imdb(DataSettings):
    """25,000 reviews for training and 25,000 for the test, half of each kind.

    Attributes:
        vocabulary: how many different numbers there are: the most frequent words of the training reviews, and three
            that stand for padding, the beginning and a rare word.
        length: numbers in a row; longer reviews lose their beginning, shorter ones are padded in front.
        sha256: checksum of the published rows for the published vocabulary and length; null where others are chosen.
    """

    name: Annotated[str, only("imdb_reviews")]
    normalize: Literal["none"]
    augment: None
    vocabulary: Annotated[int, Field(gt=FIRST_WORD, le=2**16)]
    length: Annotated[int, Field(gt=0)]
    sha256: str | None

    @property
    def pinned(self) -> bool:
        return self.sha256 is not None

    def read(self) -> Examples:
        """Reads the cache, else a prepared TFDS directory, else a package mirror."""
        return cached(f"{self.name}-{self.vocabulary}-{self.length}", self._prepare, self.sha256, texts=True)

    def _prepare(self) -> Examples:
        try:
            train, test = (_from_tfds(self.name, split) for split in ("train", "test"))
            source = "tfds"
        except FileNotFoundError:
            (train, test), source = self._from_mirror(), "mirror"
        vocabulary = frequent_words(train.texts, self.vocabulary)
        numbers = numbering(vocabulary)

        def numbered(part: Texts) -> Split:
            return canonical_order(labelled(tokens(part.texts, numbers, self.length), part.labels))

        examples = Examples(numbered(train), numbered(test), CLASSES, source=source, vocabulary=vocabulary)
        if self.sha256 and checksum(examples) != self.sha256:
            raise UserError(
                f"data.name={self.name}: the reviews from {SOURCES[source]} are not the published ones (SHA-256 "
                "differs); for another data.vocabulary or data.length set data.sha256=null"
            )
        sizes = len(examples.train), len(examples.test)
        log.info("%s: %d training and %d test texts, from %s", self.name, *sizes, SOURCES[source])
        return examples

    def _from_mirror(self) -> tuple[Texts, Texts]:
        try:
            return fetched(self.name, imdb_reviews)
        except SourceError as reason:
            raise UserError(
                f"data.name={self.name} is not prepared ({reason}); prepare it where there is a network with "
                f"'make data NAME={self.name}', or set TFDS_DATA_DIR to a directory that has it"
            ) from None


def _from_tfds(name: str, split: str) -> Texts:
    """Reads a split of a prepared directory.

    Raises:
        FileNotFoundError: nothing is prepared.
        UserError: what is prepared is damaged.
    """
    import tensorflow_datasets as tfds

    prepared_info(name)
    source: Any = tfds.data_source(name, split=split, download=False)
    examples = [record(source, number) for number in range(len(source))]
    texts = [example["text"].decode() for example in examples]
    return Texts(texts, np.array([int(example["label"]) for example in examples]))
