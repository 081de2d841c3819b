"""All parts, in order of value: what is short and says most comes first."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from benchmarks.gpu import recipes, rest, steps, switches
from benchmarks.gpu.rows import Place, Row


class Part(NamedTuple):
    """A part of what is measured.

    Attributes:
        rows: in the order in which they are measured.
        measure: gives the figures of a row by its name, in a process of its own.
        table: shows rows that are there, by their names.
        words: what the page says of it.
    """

    rows: tuple[Row, ...]
    measure: Callable[[str, Place], dict[str, Any]]
    table: Callable[[Mapping[str, Mapping[str, Any]]], str]
    words: str


def part_of(module: ModuleType) -> Part:
    """A part from its file."""
    name = module.__name__.rpartition(".")[2]
    goes_on: frozenset[str] = getattr(module, "GO_ON", frozenset())
    rows = tuple(Row(name, row, module.REVISION, seconds, row in goes_on) for row, seconds in module.ROWS.items())
    return Part(rows, module.measure, module.table, module.__doc__ or "")


PARTS = {"steps": part_of(steps), "switches": part_of(switches), "recipes": part_of(recipes), "rest": part_of(rest)}


def row_of(part: str, name: str) -> Row:
    """A row by its names."""
    return next(row for row in PARTS[part].rows if row.name == name)


def at_once(place: Place, row: Row) -> int:
    """How many rows like this one are measured at once; a rehearsal, whose figures mean nothing, takes two."""
    if row.goes_on:
        return recipes.runs_at_once(place, row_of("recipes", recipes.AT_ONCE))
    return 1 if place.scale == 1 else 2
