"""Locks between processes. The operating system holds them and releases them when their process ends."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .config.errors import UserError


@contextmanager
def locked(file: Path, *, of: Path, wait: bool) -> Iterator[None]:
    """Holds a lock while the body runs.

    Args:
        file: the lock file; it is created, and never deleted.
        of: what it protects, for the error message.
        wait: whether to wait until another process releases it; else a held lock is an error.

    Raises:
        UserError: another process holds it, and `wait` is false.
        OSError: the lock file cannot be written.
    """
    lock = FileLock(file, blocking=wait, fallback_to_soft=False)
    try:
        held = lock.acquire()
    except Timeout:
        raise UserError(f"{of} is in use by {file.read_text() or 'another process'}") from None
    with held:
        file.write_text(f"process {os.getpid()} on {platform.node()}")
        yield
