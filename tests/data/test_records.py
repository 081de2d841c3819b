"""Records by number: what is checked before anything is trained on them."""

import jax
import numpy as np
import pytest

from src.config.errors import UserError
from src.data.examples import DataSpec
from src.data.records import check_records

SPEC = DataSpec("mine", (4, 4, 3), ("a", "b"), 5, 0, 0, {"label": jax.ShapeDtypeStruct((), np.int32)})


class Squares:
    """Images of one colour."""

    def __init__(self, count=5, last=None):
        self.count, self.last = count, last

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        record = np.full((4, 4, 3), number, np.uint8), {"label": np.int32(number % 2)}
        return self.last if number == self.count - 1 and self.last else record


def test_records_as_the_specification_says_are_taken():
    check_records(Squares(), SPEC)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (Squares(0), "has no records"),
        ({1, 2}, r"records need len\(\) and \[number\]; set lacks one"),
        (Squares(last=(np.zeros((4, 5, 3), np.uint8), {"label": np.int32(0)})), r"record 4 has inputs \(4, 5, 3\)"),
        (Squares(last=(np.zeros((4, 4, 3), np.uint8), {"mask": np.int32(0)})), "record 4 has no target label; mask"),
        (Squares(last=(np.zeros((4, 4, 3), np.uint8), {"label": 0.5})), r"is float64 \(\), where int32 \(\) is needed"),
    ],
)
def test_others_are_refused_in_one_line(records, said):
    with pytest.raises(UserError, match=said):
        check_records(records, SPEC)
