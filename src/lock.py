"""Locks between processes, held by the kernel: it lets go of them when their holder dies."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .config.errors import UserError


@contextmanager
def locked(file: Path, *, of: Path, wait: bool) -> Iterator[None]:
    """Keeps other processes out for a while.

    Args:
        file: the lock; it is made, and stays.
        of: what it keeps others out of.
        wait: whether to wait for another holder, or to give up.

    Raises:
        UserError: another process holds it, which was not to be waited for.
        OSError: the file cannot be written.
    """
    lock = FileLock(file, blocking=wait, fallback_to_soft=False)
    try:
        held = lock.acquire()
    except Timeout:
        raise UserError(f"{of} is in use by {file.read_text() or 'another process'}") from None
    with held:
        file.write_text(f"process {os.getpid()} on {platform.node()}")
        yield
