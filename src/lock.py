"""Locks between processes, held by the kernel: it lets go of them when their holder dies."""

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    lock = os.open(file, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.read(lock, 200).decode() or "another process"
            raise UserError(f"{of} is in use by {holder}") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} on {platform.node()}".encode(), 0)
        yield
    finally:
        os.close(lock)
