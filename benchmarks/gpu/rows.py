"""Rows of measurements, each in its own file, written atomically and not measured again."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import where
from src.config.errors import UserError
from src.plain_json import dumps, numbers
from src.runs.files import write_whole
from src.studies.results import file_stem

OURS = {"part", "name", "revision", "scale", "where"}


class Row(NamedTuple):
    """A measurement in its own process.

    Attributes:
        part: name of its part.
        name: in tables, and in the name of its file.
        revision: of the measurement; a higher one measures again.
        seconds: estimated for an H100.
        goes_on: whether it can be resumed.
    """

    part: str
    name: str
    revision: int
    seconds: float
    goes_on: bool = False

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"{self.part}: {self.name}"


class Place(NamedTuple):
    """The folders of rows of one kind of device, and the scale of the work.

    Attributes:
        results: folder of the rows.
        runs: folder of the training runs that some of them are made from, and of what their processes print.
        scale: 1 for all of the work; below 1 it is a rehearsal.
    """

    results: Path
    runs: Path
    scale: float

    def record(self, row: Row) -> dict[str, Any] | None:
        """The contents of a row's file, measured or failed; None for another revision or scale.

        Raises:
            UserError: the file is damaged, or not ours.
        """
        found = read_record(self.file(row))
        same = found is not None and (found["revision"], found["scale"]) == (row.revision, self.scale)
        return found if same else None

    def measured(self, row: Row) -> bool:
        """Whether a row has been measured."""
        return "figures" in (self.record(row) or {})

    def write(self, row: Row, **found: Any) -> None:
        """Writes a row with its provenance."""
        file = self.file(row)
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"part": row.part, "name": row.name, "revision": row.revision, "scale": self.scale, "where": where()}
        write_whole(file, dumps({**about, **found}, indent=1) + "\n")

    def file(self, row: Row) -> Path:
        """The file of a row."""
        return self.results / row.part / f"{file_stem(row.name)}.json"

    def log(self, row: Row) -> Path:
        """The output file of the process of a row."""
        return self.runs / "logs" / row.part / f"{file_stem(row.name)}.log"


def read_record(file: Path) -> dict[str, Any] | None:
    """What a file of a row holds; nothing if there is none.

    Raises:
        UserError: it is damaged, or not ours.
    """
    try:
        found = numbers(json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or not found.keys() >= OURS:
        raise UserError(f"{file} is damaged, or no row of ours; move it elsewhere, and the row is measured anew")
    return found
