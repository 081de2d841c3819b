"""Which files are meant, and what of them can be read."""

import glob
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ..config.errors import UserError, say

T = TypeVar("T")

NAMED = 5
"""Unreadable files, in one line."""


def files_of(inputs: Sequence[str], suffixes: Collection[str], kind: str, setting: str = "input") -> Iterator[Path]:
    """The files that are meant, each once, in the order in which they are named.

    Args:
        inputs: files, folders and patterns.
        suffixes: of the files of a folder that are meant.
        kind: what these are called.
        setting: where the inputs stand, for the message.

    Raises:
        UserError: something is not there, or a folder has none.
    """
    seen: set[Path] = set()
    for text in inputs:
        path = Path(text).expanduser()
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes)
            missing = f"there are no {kind} in it"
        else:
            pattern = [] if path.exists() else glob.glob(str(path), recursive=True)  # noqa: PTH207 (may be absolute)
            found, missing = [Path(name) for name in sorted(pattern)] or [path], "there is no such file"
        if not all(file.exists() for file in found) or not found:
            raise UserError(f"{setting}={text}: {missing}")
        yield from (file for file in found if file not in seen)
        seen |= {*found}


def read_each(files: Sequence[Path], read: Callable[[Path], T]) -> tuple[list[Path], list[T]]:
    """Reads files; those that cannot be read are counted and named.

    Raises:
        UserError: none can be read.
    """
    good: list[Path] = []
    contents, bad = [], []
    for file in files:
        try:
            contents.append(read(file))
            good.append(file)
        except UserError as error:
            bad.append(str(error))
    if not contents:
        raise UserError("; ".join(bad[:NAMED]))
    if bad:
        more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        say(f"left out {len(bad)} of {len(files)} files: {'; '.join(bad[:NAMED])}{more}")
    return good, contents
