"""The classes of texts, typed or in files, and the words that they hang on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt16

from ..config.errors import UserError, say
from ..data.class_folders import PICTURES
from ..data.preprocessing import Preprocessing
from ..data.texts import UNKNOWN, words
from ..interpret.occlusion import word_drops
from ..markdown import markdown
from ..training.load_run import LoadedRun
from .classes import Ranked, ranked
from .files import files_of, read_each

SUFFIXES = {".txt"}
SHOWN = 40
"""Characters of a typed text, in the table."""
LEAST = 0.0005
"""The smallest drop that one decimal of a percentage shows."""


class Text(NamedTuple):
    """A text, and the file that has it unless it was typed."""

    file: str | None
    text: str


@dataclass(frozen=True)
class TextPrediction:
    """What a network says of a text.

    Attributes:
        text: the text.
        ranked: its most probable classes.
        words: those that the network reads: the last ones of a long text.
        known: which of these are in the vocabulary.
        drops: by how much the probability of the class is smaller without each word; None if that was not asked for.
    """

    text: Text
    ranked: Ranked
    words: list[str]
    known: list[bool]
    drops: list[float] | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        own = {"words": len(self.words), "unknown": self.unknown}
        drops = zip(self.words, self.drops, strict=True) if self.drops is not None else ()
        listed = [{"word": word, "drop": drop} for word, drop in drops]
        return {**self.text._asdict(), **asdict(self.ranked), **own, "drops": listed}

    @property
    def unknown(self) -> list[str]:
        """The words that are not in the vocabulary."""
        return [word for word, known in zip(self.words, self.known, strict=True) if not known]

    def cells(self, most: int) -> list[str]:
        """The text, its classes, its unknown words, and `most` words without which the probability drops most."""
        title = self.text.file or shorten(self.text.text, SHOWN, placeholder=" …").replace("|", "\\|")
        row = [title, *self.ranked.cells(), f"{len(self.unknown)} of {len(self.words)}"]
        if self.drops is None:
            return row
        best = sorted(zip(self.drops, self.words, strict=True), key=lambda pair: -pair[0])[:most]
        return [*row, ", ".join(f"{word} {drop:.1%}" for drop, word in best if drop >= LEAST) or "no word"]


def read_texts(typed: Sequence[str], inputs: Sequence[str]) -> list[Text]:
    """What was typed, then what is in files.

    Raises:
        UserError: a typed text has no words, a file is not there, or none can be read.
    """
    for text in typed:
        if not words(text):
            raise UserError(f"text={text} has no words")
    files = list(files_of(inputs, SUFFIXES, f"texts ({', '.join(SUFFIXES)})"))
    read = zip(*read_each(files, read_text), strict=True) if files else ()
    return [*(Text(None, text) for text in typed), *(Text(str(file), text) for file, text in read)]


def read_text(file: Path) -> str:
    """The text of a file.

    Raises:
        UserError: it cannot be read, is something else, or has no words.
    """
    if file.suffix.lower() in PICTURES:
        raise UserError(f"{file} is an image, and the run reads texts")
    try:
        text = file.read_text("utf-8-sig")  # some editors put a mark in front
    except UnicodeDecodeError:
        raise UserError(f"{file} is not a text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    if not words(text):
        raise UserError(f"{file} has no words")
    return text


def predict_texts(loaded: LoadedRun, texts: Sequence[Text], *, occluded: bool = True) -> list[TextPrediction]:
    """Names the classes of texts, and by how much their probability is smaller without each word.

    Args:
        loaded: a run on texts.
        texts: with at least one word each.
        occluded: whether words are left out in turn, which takes a forward pass for each.

    Raises:
        UserError: the words of the run's data are not known.
    """
    numbers = with_vocabulary(loaded).numbered([text.text for text in texts])
    length, names = numbers.shape[1], loaded.engine.spec.class_names
    long = sum(len(words(text.text)) > length for text in texts)
    if long:
        say(f"{long} of {len(texts)} texts have more than {length} words, the last of which are read")
    drops = word_drops(loaded, numbers) if occluded else [None] * len(texts)
    rows = zip(texts, loaded.predict(numbers), numbers, drops, strict=True)
    return [prediction(text, ranked(row, names), own, each) for text, row, own, each in rows]


def prediction(
    text: Text, best: Ranked, numbers: UInt16[np.ndarray, "length"], drops: Float[np.ndarray, "length"] | None
) -> TextPrediction:
    """What is said of one text, whose words are at the end of its row of numbers."""
    read = words(text.text)[-len(numbers) :]
    own = slice(len(numbers) - len(read), None)
    known = (numbers[own] != UNKNOWN).tolist()
    return TextPrediction(text, best, read, known, None if drops is None else drops[own].tolist())


def with_vocabulary(loaded: LoadedRun) -> Preprocessing:
    """The preprocessing of a run, with the vocabulary of its data if the run is older than stored vocabularies.

    Raises:
        UserError: its data are numbers without words, or cannot be read.
    """
    stored = loaded.engine.preprocessing
    vocabulary = stored.vocabulary or loaded.engine.dataset.vocabulary
    if vocabulary is None:
        raise UserError(
            f"{loaded.directory.path} has no vocabulary, and neither have its data ({stored.spec.name}); "
            "predict(inputs) in Python takes numbers of words"
        )
    return stored._replace(vocabulary=vocabulary)


def text_table(found: Sequence[TextPrediction], most: int) -> str:
    """A row for each text; see `TextPrediction.cells`."""
    heads = ["text", "class", "next", "unknown words", *(["drop without"] if most else [])]
    return markdown(heads, [each.cells(most) for each in found])
