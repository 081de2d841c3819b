"""What a study leaves behind: pictures, facts and a table, in a folder of its own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from src.runs.files import write_whole

RESULTS = Path("results")
DPI = 160


def write_results(folder: str, facts: Any, *, figures: Mapping[str, Figure], table: str = "", name: str = "") -> None:
    """Writes `results/FOLDER/{*.png,results.json,table.md}`, and prints the table and where the pictures are.

    Args:
        folder: name of the study.
        facts: plain values, everything that the pictures and the table show.
        figures: the pictures, by their names.
        table: in Markdown; none if there is nothing to tabulate.
        name: of one part of the study, which then has files of its own beside those of other parts.
    """
    home = RESULTS / folder
    home.mkdir(parents=True, exist_ok=True)
    ending = f"_{name}" if name else ""
    for picture, figure in figures.items():
        figure.savefig(home / f"{picture}{ending}.png", dpi=DPI)
    write_whole(home / f"results{ending}.json", json.dumps(facts, indent=2) + "\n")
    if table:
        write_whole(home / f"table{ending}.md", table)
        print(table)
    print("\n".join(str(home / f"{picture}{ending}.png") for picture in figures))


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads well as text too; all columns but the first are flush right."""
    widths = [max(3, *map(len, column)) for column in zip(heads, *rows, strict=True)]
    line = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "".join(
        f"| {row[0]:<{widths[0]}} | "
        + " | ".join(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))
        + " |\n"
        for row in (heads, line, *rows)
    )
