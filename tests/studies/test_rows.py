"""Rows as tables and as JSON."""

from dataclasses import dataclass

from src.plain_json import plain
from src.studies.estimates import Estimate, estimate
from src.studies.rows import Spread, by_name, entries, table


@dataclass(frozen=True)
class Network:
    name: str
    sizes: tuple[int, int]
    error: Estimate


ROWS = [Network("one", (1, 2), estimate([2.0])), Network("other", (3, 4), estimate([1.0, 3.0]))]


def test_a_row_has_a_cell_under_each_heading():
    columns = {"network": lambda row: row.name, "sum": lambda row: sum(row.sizes), "error %": lambda row: row.error}
    assert table(columns, ROWS) == (
        "| network | sum |     error % |\n"
        "| ------- | --: | ----------: |\n"
        "| one     |   3 |        2.00 |\n"
        "| other   |   7 | 2.00 ± 1.41 |\n"
    )


def test_rows_are_plain_by_their_names():
    error = {"mean": 2.0, "std": None, "low": None, "high": None, "n": 1}
    assert by_name(ROWS[:1]) == {"one": {"sizes": [1, 2], "error": error}}
    assert plain({0: ROWS[:1], "kind": Network}) == {
        0: [{"name": "one", "sizes": [1, 2], "error": error}],
        "kind": Network,
    }


@dataclass(frozen=True)
class Measured:
    loss: float
    part: Spread[Network | None]
    metadata: Spread[dict[str, int]]
    last: int


def test_the_entries_of_a_part_stand_in_its_place():
    said = entries(Measured(1.0, None, {"seed": 2, "images": 3}, 4))
    assert list(said.items()) == [("loss", 1.0), ("seed", 2), ("images", 3), ("last", 4)]
    assert list(entries(Measured(1.0, ROWS[0], {}, 4))) == ["loss", "sizes", "error", "last"]
