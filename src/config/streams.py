"""What is printed where a terminal cannot show it, or where nobody reads any more; neither is a fault."""

import atexit
import logging
import os
import select
import signal
import sys
from types import TracebackType
from typing import TextIO

from src.config.errors import SIGNALLED


def forgive_streams() -> None:
    """Lets this process print every letter, as its code if need be, and end without a word when its reader has gone.

    Readers such as `head` go when they have seen enough. Of a log they miss the rest; the work goes on.
    """
    for stream in streams():
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
    logging.raiseExceptions = False
    sys.excepthook = excepthook
    atexit.register(leave)


def streams() -> list[TextIO]:
    """Where this process prints; a stream that was closed before it began is none."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Shows what was not caught, unless it is that the reader has gone."""
    if not (issubclass(kind, BrokenPipeError) and any(unread(stream) for stream in streams())):
        sys.__excepthook__(kind, error, traceback)


def unread(stream: TextIO) -> bool:
    """Whether a stream is a pipe that nobody reads any more."""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def leave() -> None:
    """Ends the process as others end in a pipe that nobody reads, where Python would complain of what is left over."""
    try:
        for stream in streams():
            stream.flush()
    except BrokenPipeError:
        os._exit(SIGNALLED + signal.SIGPIPE)
