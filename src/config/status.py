"""A status line on a terminal, which the next line overwrites. Nothing is written to files and pipes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

ERASE = "\r\x1b[2K"


def show_status(text: str) -> None:
    """Replaces the status line; an empty text removes it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{ERASE}{text and text + ' …'}")
        sys.stderr.flush()


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Shows a status while the body runs."""
    show_status(what)
    try:
        yield
    finally:
        show_status("")
