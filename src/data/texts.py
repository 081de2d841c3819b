"""Texts as rows of whole numbers, in the manner of Keras."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer, UInt16

PADDING, START, UNKNOWN, FIRST_WORD = range(4)
"""What fills a text up, begins it, stands for a rare word, and is the most frequent word."""

SEPARATORS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', " "))


class Texts(NamedTuple):
    """Labelled texts of one split."""

    texts: Sequence[str]
    labels: Integer[np.ndarray, "n"]


def words(text: str) -> list[str]:
    """The words of a text in small letters; whatever stands between them is left out."""
    return text.lower().translate(SEPARATORS).split()


def frequent_words(texts: Sequence[str], size: int) -> tuple[str, ...]:
    """The most frequent words in the order of their numbers, the first of which is `FIRST_WORD`: a vocabulary.

    Args:
        texts: in which they are counted.
        size: how many numbers there are, the three that are no words included.
    """
    counts = Counter(chain.from_iterable(map(words, texts)))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return tuple(ranked[: size - FIRST_WORD])


def numbering(vocabulary: Sequence[str]) -> dict[str, int]:
    """The number of each word of a vocabulary."""
    return {word: FIRST_WORD + place for place, word in enumerate(vocabulary)}


def tokens(texts: Sequence[str], numbers: Mapping[str, int], length: int) -> UInt16[np.ndarray, "n length"]:
    """The numbers of each text's last words, with padding in front of a short text."""
    rows = np.full((len(texts), length), PADDING, np.uint16)
    for row, text in zip(rows, texts, strict=True):
        found = [START, *(numbers.get(word, UNKNOWN) for word in words(text))][-length:]
        row[length - len(found) :] = found
    return rows
