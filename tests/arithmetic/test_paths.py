from fractions import Fraction
from itertools import product

import pytest

from src.arithmetic.paths import path_counts, path_share


def test_three_blocks_have_eight_paths():
    assert path_counts(3) == [1, 3, 3, 1]


@pytest.mark.parametrize("modules", [0, 1, 6])
def test_counts_are_those_of_an_enumeration(modules):
    lengths = [sum(path) for path in product((0, 1), repeat=modules)]
    assert path_counts(modules) == [lengths.count(length) for length in range(modules + 1)]


def test_54_blocks_have_the_paths_of_the_paper():
    counts = path_counts(54)
    assert max(counts) == counts[27] == 1_946_939_425_648_112
    assert sum(counts) == 2**54
    assert round(100 * float(path_share(54, 5, 17)), 3) == 0.454
    assert path_share(54, 19, 35) > Fraction(95, 100)


def test_all_lengths_are_all_paths():
    assert path_share(5, 0, 5) == 1
    assert path_share(3, 1, 2) == Fraction(6, 8)
