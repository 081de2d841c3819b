"""The one interface of everything that measurements are sent to."""

import json
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]
"""One measurement: `step`, `epoch`, `seconds`, and values named `SPLIT_NAME`, such as `validation_accuracy`."""


class Sink(Protocol):
    """Something that takes measurements."""

    def write(self, row: Row) -> None:
        """Takes one measurement."""

    def close(self) -> None:
        """Finishes."""


class JsonLines:
    """One JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def write(self, row: Row) -> None:
        """Appends the row, at once."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
