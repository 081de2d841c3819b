"""Locks between processes, held by the kernel: it lets go of them when their holder dies."""

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Held(Exception):
    """Another process holds the lock; the message says which."""


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Keeps other processes out for a while.

    Args:
        path: a file that stands for what is locked; it is made, and stays.
        wait: whether to wait for another holder, or to give up.

    Raises:
        Held: it is held by another process, which was not to be waited for.
        OSError: the file cannot be written.
    """
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Held(os.read(lock, 200).decode() or "another process") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} on {platform.node()}".encode(), 0)
        yield
    finally:
        os.close(lock)
