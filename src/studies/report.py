"""What a study leaves behind: a table, figures, and every number with where it came from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from src.config.errors import UserError
from src.runs.files import write_whole
from src.runs.provenance import provenance

HOME = Path("results")


def markdown(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table with aligned columns."""
    cells = [list(heading), *([str(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heading))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    )


def write_report(name: str, table: str, facts: Mapping[str, Any], figures: Mapping[str, Figure]) -> Path:
    """Writes `results/NAME/{table.md,results.json,*.png}`.

    Args:
        name: of the study, and of the stage if it has several: `depth_study/digits`.
        table: Markdown.
        facts: all numbers; what they were computed with is added.
        figures: by name.

    Raises:
        UserError: they cannot be written.
    """
    directory = HOME / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(directory / "table.md", table + "\n")
        write_whole(directory / "results.json", json.dumps({"made_with": provenance(), **facts}, indent=1) + "\n")
        for title, figure in figures.items():
            figure.savefig(directory / f"{title}.png", dpi=160)
    except OSError as error:
        raise UserError(f"cannot write {directory}: {error.strerror}") from None
    return directory
