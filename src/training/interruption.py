"""Ctrl-C, SIGTERM and a lost connection become a wish that the training loop grants at its next stop."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from ..config.errors import SIGNALLED, say
from ..start import end_at_once

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """The run was asked to stop, and has been saved.

    Attributes:
        signal: by which signal.
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"stopped by {number.name}")
        self.signal = number


class Interruption:
    """Whether the process was asked to stop.

    Attributes:
        signal: by which signal; none so far.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def note(self, number: int, frame: FrameType | None) -> None:
        """Takes a signal; a second one ends the process at once, but for a lost connection, which says so twice."""
        if self.signal is not None and number == signal.SIGHUP:
            return
        if self.signal is not None:
            end_at_once(number, frame, "; nothing was saved since the last checkpoint")
        self.signal = signal.Signals(number)
        say(f"{self.signal.name}: saving after this step; once more stops at once")


@contextmanager
def resumable(*, fresh: bool = False) -> Iterator[None]:
    """After an `Interrupted`, which has left everything saved, ends the process with 128 + the number of its signal.

    Between the parts that note signals, Ctrl-C ends at once: what they saved is there, what came after them is not.

    Args:
        fresh: whether the command says `fresh=true`, with which it would begin anew instead of going on.
    """
    again = "; the same command goes on" + (" without fresh=true, and begins anew with it" if fresh else "")
    try:
        with handled({signal.SIGINT: partial(end_at_once, words=again)}):
            yield
    except Interrupted as interrupted:
        say(f"{interrupted}{again}")
        sys.exit(SIGNALLED + interrupted.signal)


@contextmanager
def signals_noted() -> Iterator[Interruption]:
    """Notes signals instead of ending by them; a process that ignores a lost connection (`nohup`) still does."""
    interruption = Interruption()
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    with handled({number: interruption.note for number in SIGNALS if not (nohup and number == signal.SIGHUP)}):
        yield interruption


@contextmanager
def handled(handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    """Hands signals to handlers for a while; in threads other than the main one, none arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
