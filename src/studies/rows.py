"""Rows of a study: what is said of each variant, in a dataclass, from which come the table and the JSON."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Any, TypeVar

from ..markdown import markdown
from ..plain_json import plain

RowT = TypeVar("RowT")
PartT = TypeVar("PartT")

SPREAD = "spread"
Spread = Annotated[PartT, SPREAD]
"""A field of a row whose own entries stand in its place in JSON; nothing does if it is None."""

Columns = Mapping[str, Callable[[RowT], object]]
"""The cell of a row under each heading."""


def table(columns: Columns[RowT], rows: Iterable[RowT]) -> str:
    """Rows as a Markdown table."""
    return markdown(list(columns), [[cell(row) for cell in columns.values()] for row in rows])


def entries(row: Any) -> dict[str, Any]:
    """What a row says beside its name, as JSON has it."""
    said: dict[str, Any] = {}
    for each in fields(row):
        value = plain(getattr(row, each.name))
        said |= (value or {}) if SPREAD in getattr(each.type, "__metadata__", ()) else {each.name: value}
    return {name: value for name, value in said.items() if name != "name"}


def by_name(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """What rows say, by their names, as JSON has it."""
    return {row.name: entries(row) for row in rows}
