"""Rows of a study: what is said of each variant, in a dataclass, from which come the table and the JSON."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..markdown import markdown
from ..plain_json import plain

RowT = TypeVar("RowT")

Columns = Mapping[str, Callable[[RowT], object]]
"""The cell of a row under each heading."""


def table(columns: Columns[RowT], rows: Iterable[RowT]) -> str:
    """Rows as a Markdown table."""
    return markdown(list(columns), [[cell(row) for cell in columns.values()] for row in rows])


def by_name(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """What rows say, by their names, as JSON has it."""
    mappings = [plain(row) for row in rows]
    return {mapping.pop("name"): mapping for mapping in mappings}
