"""Words and numbers of command lines that Hydra does not compose."""

import pytest
from pydantic import Field

from src.config.arguments import Number, Whole, Words
from src.config.errors import UserError
from src.config.settings import Settings, read_settings


class Given(Settings):
    words: Words = Field(default_factory=list)
    whole: Whole = 1
    number: Number = 1.0


@pytest.mark.parametrize("text", ["cat,dog", "[cat,dog]", "[cat, dog]", "cat,,dog,"])
def test_words_may_stand_in_brackets(text):
    assert read_settings(Given, {"words": text}).words == ["cat", "dog"]


def test_numbers_are_whole_where_they_should_be():
    found = read_settings(Given, {"whole": "12", "number": "1e-3"})
    assert (found.whole, found.number) == (12, 0.001)
    assert read_settings(Given, {"number": "2"}).number == 2.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"words": "[]"}, "words="),
        ({"whole": "1.5"}, "whole=1.5"),
        ({"whole": "many"}, "whole=many"),
        ({"number": "fast"}, "number=fast"),
        ({"number": "inf"}, "number=inf"),
    ],
)
def test_others_are_one_line(values, said):
    with pytest.raises(UserError, match=said) as error:
        read_settings(Given, values)
    assert "\n" not in str(error.value)
