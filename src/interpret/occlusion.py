"""The words that an answer hangs on: each is hidden in turn (occlusion; Zeiler and Fergus 2014, arXiv:1311.2901).

A hidden word becomes the number of an unknown one. To take it out would move all words before it, and with them what
is pooled together; and the network knows unknown words from its training, where they stand for all rare ones.
"""

import numpy as np
from jaxtyping import Float, UInt16

from ..data.texts import FIRST_WORD, UNKNOWN
from ..training.load_run import LoadedRun


def word_drops(run: LoadedRun, tokens: UInt16[np.ndarray, "n length"]) -> Float[np.ndarray, "n length"]:
    """By how much the probability of the answered class is smaller when a word is hidden.

    Args:
        run: a classification of texts.
        tokens: numbers of words, as `Preprocessing.numbered` gives them.

    Returns:
        float32; negative where a word speaks against the answer, 0 for what is no known word.
    """
    whole, size = run.predict(tokens), run.engine.settings.eval.batch_size
    answers = whole.argmax(axis=1)
    drops = np.zeros(tokens.shape, np.float32)
    places = np.argwhere(tokens >= FIRST_WORD)
    for first in range(0, len(places), size):
        rows, columns = places[first : first + size].T
        hidden = tokens[rows]
        hidden[np.arange(len(rows)), columns] = UNKNOWN
        without = run.predict(hidden)[np.arange(len(rows)), answers[rows]]
        drops[rows, columns] = whole[rows, answers[rows]] - without
    return drops
