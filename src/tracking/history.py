"""The complete history of a run, as one JSON object per line and as a table."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config.errors import UserError
from ..plain_json import dumps, numbers
from ..runs.files import write_whole
from .sinks import Row, Sink


class History(Sink):
    """`metrics.jsonl`, written at once, and `metrics.csv`, written whole with every checkpoint and at the end.

    It is never left out as other sinks are: a run without its history is none, so a `UserError` ends one that cannot
    be written.

    Attributes:
        rows: all measurements so far.
    """

    def __init__(self, lines: Path, table: Path, step: int) -> None:
        """Continues after a step; rows beyond it are dropped, since they will be measured again."""
        self._lines, self._table = lines, table
        self.rows = [row for row in read_rows(lines) if row["step"] <= step]
        with _writing(lines):
            write_whole(lines, "".join(_line(row) for row in self.rows))
            self._file = lines.open("a")
        self._written = -1

    def write(self, row: Row) -> None:
        """Adds a measurement; call it in the order of steps."""
        self.rows.append(row)
        with _writing(self._lines):
            self._file.write(_line(row))
            self._file.flush()

    def on_checkpoint(self, step: int) -> None:
        """Rewrites the table; a checkpoint of this step is on disk."""
        if step > self._written:
            self._written = step
            self._write_table()

    def close(self) -> None:
        """Closes the files, whether or not the run finished."""
        with _writing(self._lines):
            self._file.close()
        self._write_table()

    def _write_table(self) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, list(dict.fromkeys(name for row in self.rows for name in row)))
        table.writeheader()
        table.writerows(self.rows)
        with _writing(self._table):
            write_whole(self._table, text.getvalue())


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns an `OSError` of the body into one line.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def _line(row: Row) -> str:
    return dumps(row) + "\n"


def read_rows(path: Path) -> list[Row]:
    """All complete lines; a process that was killed may leave a partial last one.

    Raises:
        UserError: a line is not a measurement.
    """
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            break
        try:
            row = numbers(json.loads(line))
        except ValueError:
            row = None
        if not isinstance(row, dict) or "step" not in row:
            raise UserError(f"line {number} of {path} is damaged; mend or remove it, and the run can be used again")
        rows.append(row)
    return rows
