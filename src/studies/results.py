"""What a study leaves behind: pictures, facts and a table, in a folder of its own."""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..config.errors import UserError
from ..plain_json import dumps, plain
from ..runs.files import check_ours, write_whole
from ..runs.provenance import provenance
from .output import root

DPI = 160


def write_results(
    folder: str,
    facts: Any,
    *,
    figures: Mapping[str, Figure],
    table: str = "",
    pages: Mapping[str, str] | None = None,
    name: str = "",
) -> Path:
    """Writes `FOLDER/{*.png,results.json,table.md,*.html}`, and prints the table and where the pictures are.

    They lie in `runs/figures/` or where `output=` says; see `src/studies/output.py`.

    Args:
        folder: name of the study, and of its scale if it has several: `depth_study/digits`.
        facts: values, or rows of them, everything that the pictures and the table show. Each `measured_by` in them is
            quoted beside them, below the table and in the pictures; with what all was put together is added.
        figures: the pictures, by their names.
        table: in Markdown; none if there is nothing to tabulate.
        pages: HTML, by their names.
        name: of one part of the study, which then has files of its own beside those of other parts.

    Returns:
        The folder.

    Raises:
        UserError: it cannot be written, or holds what is not ours.
    """
    ending = f"_{name}" if name else ""
    home = results_folder(folder, ending)
    pages = pages or {}
    facts = plain(facts)
    origins = sorted(set(_measured_by(facts)))
    footer = f"Measured by {'; '.join(origins)}." if origins else ""
    if table and footer:
        table = f"{table}\n{footer}\n"
    try:
        home.mkdir(parents=True, exist_ok=True)
        quoted = {"measured_by": origins} if origins else {}
        record = dumps({"made_with": provenance(), **quoted, "facts": facts}, indent=1)
        write_whole(home / f"results{ending}.json", record + "\n")  # first: with it the folder is ours
        for picture, figure in figures.items():
            comment = {"Comment": footer} if footer else None
            figure.savefig(home / f"{picture}{ending}.png", dpi=DPI, bbox_inches="tight", metadata=comment)
        if table:
            write_whole(home / f"table{ending}.md", table)
        for page, content in pages.items():
            write_whole(home / f"{page}{ending}.html", content)
    except OSError as error:
        raise UserError(f"cannot write {home}: {error.strerror}") from None
    if table:
        print(f"\n{table}")
    made = [*(f"{picture}{ending}.png" for picture in figures), *(f"{page}{ending}.html" for page in pages)]
    print("\n".join(str(home / file) for file in made))
    return home


def write_arrays(home: Path, arrays: Mapping[str, Any], name: str = "") -> Path:
    """Writes `arrays.npz`, from which the pictures of a study can be drawn again, and prints where it is.

    Args:
        home: that `write_results` gave.
        arrays: by their names.
        name: of one part of the study.

    Raises:
        UserError: it cannot be written.
    """
    file, path = io.BytesIO(), home / f"arrays{f'_{name}' if name else ''}.npz"
    np.savez_compressed(file, **arrays)
    try:
        write_whole(path, file.getvalue())
    except OSError as error:
        raise UserError(f"cannot write {home}: {error.strerror}") from None
    print(path)
    return path


def results_folder(folder: str, ending: str = "") -> Path:
    """Where results go.

    Args:
        folder: of the study.
        ending: of the files' names.

    Raises:
        UserError: it holds something, but no results of ours.
    """
    home = root(f"{folder}/results{ending}.json") / folder
    ours = any(_made_here(record) for record in home.glob("results*.json"))
    check_ours(home, ours=ours, instead="move it elsewhere, or name another folder: output=FOLDER")
    return home


def _measured_by(facts: Any) -> Iterator[str]:
    """What facts say of what measured them, however deep it stands."""
    if isinstance(facts, Mapping):
        yield from facts.get("measured_by", [])
        facts = list(facts.values())
    if isinstance(facts, list | tuple):
        for each in facts:
            yield from _measured_by(each)


def _made_here(record: Path) -> bool:
    """Whether a record says with what it was made, as ours do."""
    try:
        return "made_with" in json.loads(record.read_text())
    except (OSError, ValueError, TypeError):
        return False


def file_stem(title: str) -> str:
    """A title as the name of a file: what is no letter, number, dot or dash becomes an underscore."""
    return re.sub(r"[^\w.-]+", "_", title)


def check_file_stems(titles: Sequence[str]) -> None:
    """Titles that name files have to name different ones.

    Raises:
        ValueError: two of them do not.
    """
    stems = [file_stem(title) for title in titles]
    for title, stem in zip(titles, stems, strict=True):
        if stems.count(stem) > 1:
            raise ValueError(f"the title {title!r} names the same files as another one")
