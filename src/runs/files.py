"""Atomic writing of files, and checks that keep files of others from being overwritten."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from ..config.errors import UserError

PARTS = ".*.part"
SHOWN = 3


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a temporary file, syncs it to disk, and renames it to its final name.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def check_ours(directory: Path, *, ours: bool, beginnings: Sequence[str] = (), instead: str) -> None:
    """Refuses a directory with files of others.

    Args:
        directory: may be missing.
        ours: whether it has a file that only this project writes.
        beginnings: name patterns of files that we write before that one.
        instead: advice at the end of the error message.

    Raises:
        UserError: it contains other files and `ours` is false.
    """
    try:
        names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    except OSError as error:
        raise UserError(f"cannot look into {directory}: {error.strerror}") from None
    foreign = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in (PARTS, *beginnings))]
    if foreign and not ours:
        more = f" and {len(foreign) - SHOWN} more" if len(foreign) > SHOWN else ""
        raise UserError(f"{directory} holds {', '.join(foreign[:SHOWN])}{more}, which is not ours; {instead}")


def at_home(path: str | Path) -> Path:
    """A path with `~` expanded."""
    with suppress(RuntimeError):  # there is no such user
        return Path(path).expanduser()
    return Path(path)


def remove(paths: Iterable[Path], home: Path) -> None:
    """Removes files inside a directory, and the directories that this leaves empty; links are not followed."""
    inside = home.resolve()
    for path in sorted(paths, reverse=True):  # files before their directories
        if not path.parent.resolve().is_relative_to(inside):
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        for folder in (path, *path.parents):
            if folder == home:
                break
            with suppress(OSError):  # not a directory, or not empty
                folder.rmdir()
