"""Files that are there as a whole or not at all, whenever the process dies; those of others stay as they are."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from ..config.errors import UserError

PARTS = ".*.part"
SHOWN = 3


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file beside its place and renames it, when its bytes are on the disk.

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
    """Refuses to write among what somebody else keeps.

    Args:
        directory: it need not be there.
        ours: whether it holds what only we write.
        beginnings: patterns of names of ours that can be there before that.
        instead: what can be done.

    Raises:
        UserError: it holds something, and nothing says that it is ours.
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
    """A path that begins with the home directory where it begins with `~`."""
    with suppress(RuntimeError):  # there is no such user
        return Path(path).expanduser()
    return Path(path)


def remove(paths: Iterable[Path], home: Path) -> None:
    """Removes files inside a directory, and directories around them that are empty then; links are not followed."""
    inside = home.resolve()
    for path in sorted(paths, reverse=True):  # what is inside a directory comes before it
        if not path.parent.resolve().is_relative_to(inside):
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        for folder in (path, *path.parents):
            if folder == home:
                break
            with suppress(OSError):  # it is none, or not empty
                folder.rmdir()
