"""Every worked example of the chapter's arithmetic, by formula and from real layers, and where the chapter is wrong.

`python -m experiments.sizing` prints the examples and writes `docs/errata.md`.
"""

import sys
from pathlib import Path

from experiments.sizing.chapter import SECTIONS
from experiments.sizing.errata import errata
from experiments.sizing.example import Example, shown
from src.config.errors import UserError, no_settings, reported

ERRATA = Path("docs/errata.md")


def table(examples: list[Example]) -> str:
    """One aligned line for each example; a last word where the chapter is wrong."""
    rows = [("what", "where", "chapter", "formula", "layer", "")]
    for each in examples:
        numbers = (shown(each.chapter), shown(each.formula), shown(each.layer))
        rows.append((each.what, each.place, *numbers, "wrong" if each.wrong else ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = "<<>>><"
    lines = (
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)) for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def main() -> None:
    """Prints all examples and writes the page of errors."""
    with reported():
        no_settings(sys.argv[1:])
        examples = [example for section in SECTIONS for example in section()]
        try:
            ERRATA.parent.mkdir(exist_ok=True)
            ERRATA.write_text(errata())
        except OSError as error:
            raise UserError(f"cannot write {ERRATA}: {error.strerror}") from None
        print(table(examples))
        print(f"{sum(example.wrong for example in examples)} of {len(examples)} numbers are wrong; see {ERRATA}")


if __name__ == "__main__":
    main()
