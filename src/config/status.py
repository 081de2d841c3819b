"""What is being waited for, on a terminal: a line that gives way to the next one. Files and pipes see nothing of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

ERASE = "\r\x1b[2K"


def show_status(text: str) -> None:
    """Shows a status in place of the one before; an empty one takes it away."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{ERASE}{text and text + ' …'}")
        sys.stderr.flush()


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Shows what is being waited for until it is there."""
    show_status(what)
    try:
        yield
    finally:
        show_status("")
