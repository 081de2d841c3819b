"""Output that a terminal cannot show, or that has no reader any more, is no error; a full disk is one line."""

import atexit
import errno
import logging
import os
import signal
import sys
from types import TracebackType
from typing import ClassVar, TextIO

from .errors import EXIT_USER_ERROR, SIGNALLED, say

GONE = errno.EIO
"""The error of a terminal whose connection is lost; it is not reported."""


class Console(logging.StreamHandler[TextIO]):
    """Shows a log. What it cannot show stands in the log's file too, so the work goes on, and the end tells of it.

    Attributes:
        fault: why something could not be shown.
    """

    fault: ClassVar[OSError | None] = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Takes note of what is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            Console.fault = error


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
    """Shows what was not caught, unless it is that nothing can be printed any more, of which `leave` tells."""
    if isinstance(error, OSError) and not all(writable(stream) for stream in streams()):
        Console.fault = error
    else:
        sys.__excepthook__(kind, error, traceback)


def writable(stream: TextIO) -> bool:
    """Whether a stream takes another line: it has a reader, or room on its disk."""
    try:
        print(file=stream, flush=True)
    except OSError:
        return False
    return True


def leave() -> None:
    """Ends the process as others end in a broken pipe, or with a line on why something was not printed."""
    try:
        for stream in streams():
            stream.flush()
        if Console.fault:
            raise Console.fault
    except BrokenPipeError:
        os._exit(SIGNALLED + signal.SIGPIPE)
    except OSError as error:
        if error.errno == GONE:
            return
        say(f"error: not everything could be printed: {error.strerror}")
        os._exit(EXIT_USER_ERROR)
