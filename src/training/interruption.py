"""Ctrl-C and SIGTERM become a wish that the training loop grants at its next stop."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from src.config.errors import SIGNALLED, say

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        """Takes a signal; a second one ends the process at once."""
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)
        print(f"{self.signal.name}: saving after this step; once more stops at once", file=sys.stderr)


@contextmanager
def resumable(*, fresh: bool = False) -> Iterator[None]:
    """After an `Interrupted`, which has left everything saved, ends the process with 128 + the number of its signal.

    Between the parts that note signals, Ctrl-C ends at once: what they saved is there, what came after them is not.

    Args:
        fresh: whether the command says `fresh=true`, with which it would begin anew instead of going on.
    """
    again = "the same command goes on" + (" without fresh=true, and begins anew with it" if fresh else "")
    try:
        yield
    except Interrupted as interrupted:
        say(f"{interrupted}; {again}")
        sys.exit(SIGNALLED + interrupted.signal)
    except KeyboardInterrupt:
        say(f"stopped by {signal.SIGINT.name}; {again}")
        sys.exit(SIGNALLED + signal.SIGINT)


@contextmanager
def signals_noted() -> Iterator[Interruption]:
    """Notes signals instead of dying of them; in threads other than the main one, none arrive."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.note) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
