"""Standard output and error: unprintable characters and closed readers are no errors; a full disk is one line."""

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
"""The error of a lost terminal; it is not reported."""


class Console(logging.StreamHandler[TextIO]):
    """Shows a log. Errors do not stop the work, since the log file has every line; the end of the process reports them.

    Attributes:
        fault: the last error of showing a line.
    """

    fault: ClassVar[OSError | None] = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Stores the exception that is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            Console.fault = error


def forgive_streams() -> None:
    """Makes this process escape characters that it cannot print, and end silently when its reader has closed the pipe.

    Readers such as `head` close it early. The work continues without them.
    """
    for stream in streams():
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
    logging.raiseExceptions = False
    sys.excepthook = excepthook
    atexit.register(leave)


def streams() -> list[TextIO]:
    """The open output streams of this process."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Prints an uncaught exception, unless it is an output error, which `leave` reports."""
    if isinstance(error, OSError) and not all(writable(stream) for stream in streams()):
        Console.fault = error
    else:
        sys.__excepthook__(kind, error, traceback)


def writable(stream: TextIO) -> bool:
    """Whether another line can be written to a stream."""
    try:
        print(file=stream, flush=True)
    except OSError:
        return False
    return True


def leave() -> None:
    """Ends the process like a broken pipe ends others, or with a line that says why output was lost."""
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
