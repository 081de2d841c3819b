"""Texts as Keras numbers them."""

import numpy as np
import pytest

from src.data.texts import PADDING, START, UNKNOWN, frequent_words, numbering, tokens, words

TEXTS = ["The film, the film!", "A film; the end"]


def test_words_are_small_and_without_signs():
    assert words("It's GOOD.<br />Really -- good!") == ["it's", "good", "br", "really", "good"]


def test_frequent_words_come_first_and_then_the_alphabet():
    assert numbering(frequent_words(TEXTS, 10)) == {"film": 3, "the": 4, "a": 5, "end": 6}
    assert numbering(frequent_words(TEXTS, 5)) == {"film": 3, "the": 4}


@pytest.mark.parametrize(
    ("length", "row"),
    [(7, [PADDING, PADDING, START, UNKNOWN, 3, 4, UNKNOWN]), (5, [START, UNKNOWN, 3, 4, UNKNOWN]), (2, [4, UNKNOWN])],
)
def test_short_texts_are_padded_in_front_and_long_ones_lose_their_beginning(length, row):
    np.testing.assert_array_equal(tokens(TEXTS[1:], numbering(frequent_words(TEXTS, 5)), length), [row])
